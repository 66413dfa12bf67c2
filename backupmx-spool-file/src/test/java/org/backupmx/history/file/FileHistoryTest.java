package org.backupmx.history.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.backupmx.spool.testkit.HistoryStoreContract.all;
import static org.backupmx.spool.testkit.HistoryStoreContract.entries;
import static org.backupmx.spool.testkit.HistoryStoreContract.entry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.spool.testkit.HistoryAbility;
import org.backupmx.spool.testkit.HistoryStoreContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileHistoryTest implements HistoryStoreContract {

    private static final String A = "primary A:25";
    private static final String A_FILE = "primary%20%41%3a25.log";

    @TempDir
    Path temporary;

    private final Map<HistoryStore, Path> directories = new HashMap<>();

    private FileHistory open(Path directory, int maxEntries) throws HistoryException {
        FileHistory store = FileHistory.open(directory, maxEntries);
        directories.put(store, directory);
        return store;
    }

    private Path directory(String name) {
        return temporary.resolve(name + directories.size());
    }

    @Override
    public HistoryStore newHistory() throws HistoryException {
        return open(directory("d"), FileHistory.DEFAULT_MAX_ENTRIES);
    }

    @Override
    public HistoryStore newHistory(int maxEntries) throws HistoryException {
        return open(directory("d"), maxEntries);
    }

    @Override
    public Set<HistoryAbility> historyAbilities() {
        return EnumSet.of(HistoryAbility.PERSISTENT, HistoryAbility.KILLABLE, HistoryAbility.BOUNDED);
    }

    @Override
    public HistoryStore reopen(HistoryStore closed) throws HistoryException {
        return open(directories.get(closed), FileHistory.DEFAULT_MAX_ENTRIES);
    }

    @Override
    public HistoryStore kill(HistoryStore open) throws Exception {
        ((FileHistory) open).die();
        return reopen(open);
    }

    @Test
    void theFileIsAsDocumented() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory)) {
            store.append(A, List.of(new HistoryEntry(Instant.parse("2026-11-22T12:00:00Z"), "häßlich")));
        }
        assertThat(Files.readString(directory.resolve(A_FILE))).isEqualTo("""
                6151bb09 backupmx-history 1 primary A:25
                aaa80047 2026-11-22T12:00:00.000Z häßlich
                """);
    }

    @Test
    void longNamesAreCutAndFoundAgain() throws Exception {
        Path directory = directory("d");
        String one = "/".repeat(199) + "1";
        String other = "/".repeat(199) + "2";
        try (FileHistory store = FileHistory.open(directory)) {
            store.append(one, entries(0, 1));
            store.append(other, entries(1, 2));
        }
        try (FileHistory store = FileHistory.open(directory)) {
            assertThat(store.series()).containsExactlyInAnyOrder(one, other);
            assertThat(all(store, one)).isEqualTo(entries(0, 1));
            assertThat(all(store, other)).isEqualTo(entries(1, 2));
        }
    }

    @Test
    void cutAtAnyByteTheLinesBeforeAreThereAndAppendingGoesOn() throws Exception {
        Path directory = directory("d");
        List<HistoryEntry> entries = List.of(entry(0, "zero"), entry(1, "郵便"), entry(2, ""), entry(3, "three"));
        try (FileHistory store = FileHistory.open(directory)) {
            store.append(A, entries);
        }
        byte[] whole = Files.readAllBytes(directory.resolve(A_FILE));
        for (int length = 0; length <= whole.length; length++) {
            byte[] rest = Arrays.copyOf(whole, length);
            Files.write(directory.resolve(A_FILE), rest);
            int lines = Math.max(0, newlines(rest) - 1);
            List<HistoryEntry> left = new ArrayList<>(entries.subList(0, lines));
            try (FileHistory store = FileHistory.open(directory)) {
                assertThat(all(store, A)).as("cut at %d", length).isEqualTo(left);
                assertThat(store.damagedLines()).isZero();
                store.append(A, entries(9, 10));
                left.addAll(entries(9, 10));
                assertThat(all(store, A)).as("cut at %d", length).isEqualTo(left);
                assertThat(store.damagedLines()).isZero();
            }
            assertThat(Files.readString(directory.resolve(A_FILE))).endsWith(" 9\n");
            try (FileHistory store = FileHistory.open(directory)) {
                assertThat(all(store, A)).as("cut at %d", length).isEqualTo(left);
                assertThat(store.last(A)).contains(entry(9, "9"));
            }
        }
    }

    private static int newlines(byte[] bytes) {
        int count = 0;
        for (byte b : bytes) {
            count += b == '\n' ? 1 : 0;
        }
        return count;
    }

    @Test
    void aBitThatFlipsCostsItsLineAloneAndIsTold() throws Exception {
        Path directory = directory("d");
        List<HistoryEntry> entries = List.of(entry(0, "zero"), entry(1, "郵便"), entry(2, ""), entry(3, "three"));
        try (FileHistory store = FileHistory.open(directory)) {
            store.append(A, entries);
        }
        byte[] whole = Files.readAllBytes(directory.resolve(A_FILE));
        for (int at = 0; at < whole.length; at++) {
            int bit = at % 8;
            byte[] bad = whole.clone();
            bad[at] ^= (byte) (1 << bit);
            Files.write(directory.resolve(A_FILE), bad);
            int line = newlines(Arrays.copyOf(whole, at)) - 1;
            List<HistoryEntry> left = new ArrayList<>(entries);
            if (line >= 0) {
                left.remove(line);
            }
            boolean joined = whole[at] == '\n';
            if (joined && line + 1 < entries.size()) {
                left.remove(Math.max(line, 0));
            }
            boolean torn = joined && line + 1 == entries.size();
            try (FileHistory store = FileHistory.open(directory)) {
                assertThat(all(store, A)).as("bit %d at %d", bit, at).isEqualTo(left);
                assertThat(store.damagedLines() > 0).as("bit %d at %d", bit, at).isEqualTo(!torn);
                if (at % 16 == 5) {
                    store.replace(A, DAWN, entries(-1, 0));
                    left.addAll(0, entries(-1, 0));
                    assertThat(store.damagedLines()).isZero();
                }
                store.append(A, entries(9, 10));
                left.addAll(entries(9, 10));
                assertThat(all(store, A)).as("bit %d at %d", bit, at).isEqualTo(left);
            }
        }
    }

    @Test
    void aReplacementThatACrashEndsAnywhereIsThereOrNot() throws Exception {
        List<HistoryEntry> old = entries(0, 5);
        List<HistoryEntry> next = List.of(entry(1, "all"), entry(3, "3"), entry(4, "4"));
        boolean finished = false;
        Set<List<HistoryEntry>> seen = new HashSet<>();
        for (int step = 0; !finished; step++) {
            Path directory = temporary.resolve("step" + step);
            FaultyFiles files = new FaultyFiles();
            FileHistory store = FileHistory.open(files, directory, 100);
            store.append(A, old);
            files.failAt(step, true);
            try {
                store.replace(A, DAWN.plusSeconds(3), List.of(entry(1, "all")));
                finished = !files.hasFailed();
                assertThat(files.steps)
                        .containsExactly("truncate", "write", "write", "force", "rename", "forceDirectory");
            } catch (HistoryException e) {
                assertThat(e).hasMessageContaining("cannot replace a part of \"primary A:25\"");
            }
            store.die();
            try (FileHistory again = FileHistory.open(directory)) {
                List<HistoryEntry> there = all(again, A);
                assertThat(there).as("step %d", step).isIn(old, next);
                assertThat(!finished || there.equals(next)).as("step %d", step).isTrue();
                seen.add(there);
                again.append(A, entries(7, 8));
                assertThat(all(again, A)).hasSize(there.size() + 1).endsWith(entry(7, "7"));
            }
            try (Stream<Path> left = Files.list(directory)) {
                assertThat(left.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("lock", A_FILE);
            }
        }
        assertThat(seen).containsExactlyInAnyOrder(old, next);
    }

    @Test
    void aReplacementThatFailsIsThereOrNotAndTheStoreGoesOn() throws Exception {
        List<HistoryEntry> old = entries(0, 5);
        List<HistoryEntry> next = List.of(entry(1, "all"), entry(3, "3"), entry(4, "4"));
        boolean finished = false;
        for (int step = 0; !finished; step++) {
            FaultyFiles files = new FaultyFiles();
            try (FileHistory store = FileHistory.open(files, temporary.resolve("step" + step), 100)) {
                store.append(A, old);
                files.failAt(step, false);
                try {
                    store.replace(A, DAWN.plusSeconds(3), List.of(entry(1, "all")));
                    finished = !files.hasFailed();
                } catch (HistoryException e) {
                    assertThat(e).hasMessageContaining("on demand");
                }
                files.failAt(Integer.MAX_VALUE, false);
                List<HistoryEntry> there = new ArrayList<>(all(store, A));
                assertThat(there).as("step %d", step).isIn(old, next);
                store.append(A, entries(7, 8));
                there.addAll(entries(7, 8));
                assertThat(all(store, A)).isEqualTo(there);
                assertThat(store.damagedLines()).isZero();
            }
        }
    }

    @Test
    void aFirstReplacementThatFailsLosesNothingAfterwards() throws Exception {
        boolean finished = false;
        for (int step = 0; !finished; step++) {
            FaultyFiles files = new FaultyFiles();
            try (FileHistory store = FileHistory.open(files, temporary.resolve("step" + step), 100)) {
                files.failAt(step, false);
                try {
                    store.replace(A, DAWN.plusSeconds(3), entries(0, 2));
                    finished = !files.hasFailed();
                } catch (HistoryException e) {
                    assertThat(e).hasMessageContaining("on demand");
                }
                files.failAt(Integer.MAX_VALUE, false);
                List<HistoryEntry> there = new ArrayList<>(all(store, A));
                assertThat(there).as("step %d", step).isIn(List.of(), entries(0, 2));
                store.append(A, entries(7, 8));
                there.addAll(entries(7, 8));
                assertThat(all(store, A)).as("step %d", step).isEqualTo(there);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anAppendThatFailsLeavesNoHalfLine(boolean truncateFails) throws Exception {
        FaultyFiles files = new FaultyFiles();
        try (FileHistory store = FileHistory.open(files, directory("d"), 100)) {
            store.append(A, entries(0, 2));
            files.failAt(0, truncateFails);
            assertThatExceptionOfType(HistoryException.class)
                    .isThrownBy(() -> store.append(A, entries(20, 30)))
                    .withMessageContaining("cannot append to \"primary A:25\"")
                    .withMessageContaining("on demand, at step 0, write");
            files.failAt(Integer.MAX_VALUE, false);
            List<HistoryEntry> there = new ArrayList<>(entries(0, 2));
            there.addAll(truncateFails ? entries(20, 25) : List.of());
            assertThat(all(store, A)).isEqualTo(there);
            store.append(A, entries(3, 4));
            there.addAll(entries(3, 4));
            assertThat(all(store, A)).isEqualTo(there);
            assertThat(store.damagedLines()).isZero();
        }
    }

    @Test
    void appendsAreForcedWhenTheStoreIsClosed() throws Exception {
        FaultyFiles files = new FaultyFiles();
        FileHistory store = FileHistory.open(files, directory("d"), 100);
        for (int i = 0; i < 3; i++) {
            store.append("a" + i, entries(0, 1));
            store.append("a" + i, entries(1, 2));
        }
        assertThat(files.steps).doesNotContain("force");
        store.replace("a0", DAWN, List.of());
        files.steps.clear();
        store.close();
        assertThat(files.steps).containsExactly("force", "force", "forceDirectory");
    }

    @Test
    void aCloseThatFailsSaysSoAndReleasesTheDirectory() throws Exception {
        Path directory = directory("d");
        FaultyFiles files = new FaultyFiles();
        FileHistory store = FileHistory.open(files, directory, 100);
        store.append(A, entries(0, 1));
        files.failAt(0, true);
        assertThatExceptionOfType(HistoryException.class)
                .isThrownBy(store::close)
                .withMessageContaining("cannot close");
        FileHistory.open(directory).close();
    }

    @Test
    void aFileIsAtMostAQuarterLongerThanTheBound() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory, 100)) {
            for (int i = 0; i < 1_000; i++) {
                store.append(A, entries(i, i + 1));
                assertThat(newlines(Files.readAllBytes(directory.resolve(A_FILE))))
                        .isLessThanOrEqualTo(126);
            }
            assertThat(all(store, A)).isEqualTo(entries(900, 1_000));
        }
    }

    @Test
    void fewFilesAreOpenHoweverManySeriesThereAre() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory)) {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 3 * FileHistory.MAX_OPEN_FILES; i++) {
                    store.append("a" + i, entries(round, round + 1));
                }
            }
            assertThat(openFiles(directory.toRealPath())).isEqualTo(FileHistory.MAX_OPEN_FILES + 1);
            for (int i = 0; i < 3 * FileHistory.MAX_OPEN_FILES; i++) {
                assertThat(all(store, "a" + i)).isEqualTo(entries(0, 2));
            }
        }
        assertThat(openFiles(directory.toRealPath())).isZero();
    }

    private static long openFiles(Path directory) throws IOException {
        long count = 0;
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            for (Path one : all.toList()) {
                count +=
                        Files.isSymbolicLink(one) && Files.readSymbolicLink(one).startsWith(directory) ? 1 : 0;
            }
        }
        return count;
    }

    @Test
    void aSecondStoreIsRefused() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory)) {
            for (int i = 0; i < 2; i++) {
                assertThatExceptionOfType(HistoryException.class)
                        .isThrownBy(() -> FileHistory.open(directory))
                        .withMessage("history directory " + directory + ": in use by process "
                                + ProcessHandle.current().pid() + " (expected: one process at a time)");
            }
            store.append(A, entries(0, 1));
        }
        FileHistory.open(directory).close();
    }

    @Test
    void onlyTheOwnerMayReadOrEnter() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory)) {
            store.append(A, entries(0, 1));
            store.append("b", entries(0, 1));
            store.replace("b", DAWN, entries(-1, 0));
        }
        assertThat(mode(directory)).isEqualTo("rwx------");
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(FileHistoryTest::mode)).hasSize(3).containsOnly("rw-------");
        }
    }

    private static String mode(Path path) {
        try {
            return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatIsUnfinishedIsRemovedAndWhatIsForeignStays() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory)) {
            store.append(A, entries(0, 1));
        }
        Files.writeString(directory.resolve(A_FILE + ".new"), "half");
        Files.writeString(directory.resolve("b.log"), "");
        Files.writeString(directory.resolve("Notes.log"), "foreign");
        Files.writeString(directory.resolve("%zz.log"), "foreign");
        Files.writeString(directory.resolve("notes.txt"), "foreign");
        Files.createDirectory(directory.resolve("c.log"));
        try (FileHistory store = FileHistory.open(directory)) {
            assertThat(store.series()).containsExactly(A);
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("lock", A_FILE, "Notes.log", "%zz.log", "notes.txt", "c.log");
        }
    }

    @Test
    void aLaterVersionIsRefusedAndTheOthersServe() throws Exception {
        Path directory = directory("d");
        try (FileHistory store = FileHistory.open(directory)) {
            store.append("b", entries(0, 1));
        }
        Files.write(directory.resolve("a.log"), versionTwo());
        try (FileHistory store = FileHistory.open(directory)) {
            assertThatExceptionOfType(HistoryException.class)
                    .isThrownBy(() -> all(store, "a"))
                    .withMessageContaining("format version 2 (expected: 1)");
            assertThatExceptionOfType(HistoryException.class).isThrownBy(() -> store.append("a", entries(0, 1)));
            assertThat(all(store, "b")).isEqualTo(entries(0, 1));
        }
        assertThat(Files.readAllBytes(directory.resolve("a.log"))).isEqualTo(versionTwo());
    }

    private static byte[] versionTwo() {
        return "75771471 backupmx-history 2 a\n".getBytes(UTF_8);
    }

    @Test
    void whatCannotBeADirectoryIsTold() throws Exception {
        Path file = Files.createFile(temporary.resolve("file"));
        assertThatExceptionOfType(HistoryException.class)
                .isThrownBy(() -> FileHistory.open(file))
                .withMessageStartingWith("history directory " + file + ": cannot be opened: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FileHistory.open(file, 0))
                .withMessage("maxEntries: 0 (expected: 1 to 10000000)");
    }

    @Test
    void anInterruptedThreadIsServed() throws Exception {
        try (FileHistory store = FileHistory.open(directory("d"))) {
            Thread.currentThread().interrupt();
            store.append(A, entries(0, 1));
            store.append(A, entries(1, 2));
            assertThat(all(store, A)).isEqualTo(entries(0, 2));
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
