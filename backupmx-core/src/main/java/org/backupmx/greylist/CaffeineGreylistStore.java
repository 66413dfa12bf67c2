package org.backupmx.greylist;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Optional;
import java.util.function.Function;

/** Entries in memory, bounded in number; when they expire is the rules' matter. */
final class CaffeineGreylistStore implements GreylistStore {

    private static final int MOST_ENTRIES = 10_000_000;

    private final Cache<String, GreylistEntry> entries;

    CaffeineGreylistStore(int maxEntries) {
        if (maxEntries < 1 || maxEntries > MOST_ENTRIES) {
            throw new IllegalArgumentException("maxEntries: " + maxEntries + " (expected: 1 to " + MOST_ENTRIES + ")");
        }
        // Runnable::run: eviction is short, and the common pool is the host application's.
        entries = Caffeine.newBuilder()
                .maximumSize(maxEntries)
                .executor(Runnable::run)
                .build();
    }

    @Override
    public Optional<GreylistEntry> find(String key) {
        return Optional.ofNullable(entries.getIfPresent(requireNonNull(key, "key")));
    }

    @Override
    public GreylistEntry update(String key, Function<Optional<GreylistEntry>, GreylistEntry> change) {
        requireNonNull(change, "change");
        return entries.asMap().compute(requireNonNull(key, "key"), (k, old) -> change.apply(Optional.ofNullable(old)));
    }

    @Override
    public boolean mayBlock() {
        return false;
    }
}
