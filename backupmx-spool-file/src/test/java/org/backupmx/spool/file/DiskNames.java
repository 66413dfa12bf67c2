package org.backupmx.spool.file;

import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The names in the directory of a {@link SimulatedDisk}: those that are seen, and those that would survive. */
final class DiskNames {

    /** One change that was not forced: a creation has no {@code from}, a deletion no {@code to}. */
    private record Change(FileContent content, String from, String to) {
        boolean meets(Change other) {
            return content == other.content || names().stream().anyMatch(other.names()::contains);
        }

        private List<String> names() {
            return Stream.of(from, to).filter(Objects::nonNull).toList();
        }
    }

    private final Map<String, FileContent> seen = new TreeMap<>();
    private Map<String, FileContent> forced = new TreeMap<>();
    private final List<Change> changes = new ArrayList<>();

    boolean has(String name) {
        return seen.containsKey(name);
    }

    Set<String> names() {
        return seen.keySet();
    }

    Collection<FileContent> contents() {
        return seen.values();
    }

    @Nullable
    FileContent find(String name) {
        return seen.get(name);
    }

    FileContent get(String name) throws NoSuchFileException {
        FileContent content = seen.get(name);
        if (content == null) {
            throw new NoSuchFileException(name);
        }
        return content;
    }

    /** Returns what has a name; a new file if nothing has. */
    FileContent getOrCreate(String name) {
        return seen.computeIfAbsent(name, key -> {
            FileContent content = new FileContent();
            changes.add(new Change(content, null, name));
            return content;
        });
    }

    void rename(String from, String to) throws NoSuchFileException {
        FileContent content = get(from);
        seen.remove(from);
        seen.put(to, content);
        changes.add(new Change(content, from, to));
    }

    void delete(String name) throws NoSuchFileException {
        changes.add(new Change(get(name), name, null));
        seen.remove(name);
    }

    void force() {
        forced = new TreeMap<>(seen);
        changes.clear();
    }

    /** Gives something a name, forced. */
    void put(String name, FileContent content) {
        seen.put(name, content);
        forced.put(name, content);
    }

    /** Returns what is found if the power goes: a journal keeps changes up to some point, others any that are apart. */
    Map<String, FileContent> survivors(Random random) {
        Map<String, FileContent> kept = new TreeMap<>(forced);
        boolean journal = random.nextInt(4) > 0;
        int first = random.nextInt(changes.size() + 1);
        List<Change> lost = new ArrayList<>();
        for (int i = 0; i < changes.size(); i++) {
            Change change = changes.get(i);
            if (journal ? i >= first : random.nextBoolean() || lost.stream().anyMatch(change::meets)) {
                lost.add(change);
                continue;
            }
            if (change.from() != null) {
                kept.remove(change.from());
            }
            if (change.to() != null) {
                kept.put(change.to(), change.content());
            }
        }
        return kept;
    }
}
