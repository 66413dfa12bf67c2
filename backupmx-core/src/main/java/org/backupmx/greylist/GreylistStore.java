package org.backupmx.greylist;

import java.util.Optional;
import java.util.function.Function;

/**
 * The memory of greylisting, for those who share it between nodes or keep it over a restart. Implementations are
 * thread-safe, and may forget: a forgotten triplet waits once more.
 */
public interface GreylistStore {

    /** The entries of {@link GreylistPolicy#inMemory}: {@value}. */
    int DEFAULT_ENTRIES = 200_000;

    /**
     * Returns what is remembered under a key.
     *
     * @param key 22 characters of base64url, a digest: it tells nobody who wrote to whom
     * @return the entry, expired or not; empty if there is none
     */
    Optional<GreylistEntry> find(String key);

    /**
     * Changes what is remembered under a key, as one step: no other change of the key happens between reading and
     * writing.
     *
     * @param key as in {@link #find}
     * @param change gives the new entry from the old one, which is empty if there is none; short, without side effects
     *     that matter if it is called twice
     * @return the new entry
     */
    GreylistEntry update(String key, Function<Optional<GreylistEntry>, GreylistEntry> change);

    /**
     * Tells whether a call may wait for something.
     *
     * @return true unless overridden; false for {@link #inMemory}
     */
    default boolean mayBlock() {
        return true;
    }

    /**
     * Returns a store in memory. When it is full it forgets what is seldom seen. An entry takes about 250 bytes.
     *
     * @param maxEntries the most entries, 1 to 10,000,000
     * @return an empty store
     * @throws IllegalArgumentException if {@code maxEntries} is out of range
     */
    static GreylistStore inMemory(int maxEntries) {
        return new CaffeineGreylistStore(maxEntries);
    }
}
