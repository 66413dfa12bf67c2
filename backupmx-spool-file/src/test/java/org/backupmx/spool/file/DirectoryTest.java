package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.SpoolActions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The spool on a real directory: its lock, its modes, many writers, and a look from outside meanwhile. */
class DirectoryTest {

    @TempDir
    Path temporary;

    private FileSpoolBuilder builder() {
        return FileSpool.builder(temporary.resolve("spool"))
                .segmentBytes(1 << 20)
                .minimumFreeBytes(FileSpoolBuilder.MIN_MINIMUM_FREE_BYTES)
                .minimumFreePercent(0);
    }

    @Test
    void secondOpeningIsRefusedWithDirectoryAndPid() throws Exception {
        try (FileSpool first = builder().open()) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> builder().open())
                        .isInstanceOf(SpoolUnavailableException.class)
                        .hasMessageContaining(temporary.resolve("spool").toString())
                        .hasMessageContaining(
                                "process " + ProcessHandle.current().pid());
            }
            assertThat(Files.readString(temporary.resolve("spool").resolve("lock"))
                            .trim())
                    .isEqualTo(Long.toString(ProcessHandle.current().pid()));
            assertThat(first.health().isAccepting()).isTrue();
        }
        builder().open().close();
    }

    @Test
    void theRoomIsThatOfTheFileSystemAndWhereThereIsNoneAFault() throws Exception {
        DiskIo disk = new DiskIo();
        FileStore store = Files.getFileStore(temporary);
        assertThat(disk.totalBytes(temporary)).isEqualTo(store.getTotalSpace());
        assertThat(disk.freeBytes(temporary)).isPositive().isLessThanOrEqualTo(store.getTotalSpace());
        Path gone = temporary.resolve("gone");
        assertThatThrownBy(() -> disk.totalBytes(gone))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(gone.toString());
        assertThatThrownBy(() -> disk.freeBytes(gone)).isInstanceOf(IOException.class);
    }

    @Test
    void aDirectoryThatCannotBeOneIsToldInWords() throws Exception {
        Path file = Files.createFile(temporary.resolve("file"));
        assertThatThrownBy(() -> FileSpool.open(file))
                .isInstanceOf(SpoolException.class)
                .hasMessage("spool directory " + file + ": cannot be opened: " + file + ": not a directory");
        assertThatThrownBy(() -> FileSpool.open(file.resolve("spool")))
                .isInstanceOf(SpoolException.class)
                .hasMessageEndingWith(": cannot be opened: " + file + ": not a directory");
        assertThatThrownBy(() -> SpoolInspector.describe(file))
                .isInstanceOf(SpoolException.class)
                .hasMessageEndingWith(": cannot be read: " + file + ": not a directory");
        Path missing = temporary.resolve("missing");
        assertThatThrownBy(() -> SpoolInspector.describe(missing))
                .isInstanceOf(SpoolException.class)
                .hasMessageEndingWith(": cannot be read: " + missing + ": no such file or directory");
    }

    @Test
    void lockFileThatADeadProcessLeftIsNoObstacle() throws Exception {
        Files.createDirectories(temporary.resolve("spool"));
        Files.writeString(temporary.resolve("spool").resolve("lock"), "999999\n");
        builder().open().close();
    }

    @Test
    void nothingStaysOfALongerPid() throws Exception {
        Files.createDirectories(temporary.resolve("spool"));
        Files.writeString(temporary.resolve("spool").resolve("lock"), "999999999999999\n");
        try (FileSpool spool = builder().open()) {
            assertThat(spool.health().isAccepting()).isTrue();
            assertThat(Files.readString(temporary.resolve("spool").resolve("lock")))
                    .isEqualTo(ProcessHandle.current().pid() + "\n");
        }
    }

    /** Who moved it to another disk and left a link would miss its mail. */
    @Test
    void aSegmentThatIsALinkIsToldAndNotPassedOver() throws Exception {
        try (FileSpool spool = builder().open()) {
            store(spool, Envelopes.to("x@a.example"), START, octets(100, 1));
        }
        Path segment = temporary.resolve("spool").resolve(SegmentFiles.name(1));
        Path elsewhere = temporary.resolve("elsewhere");
        Files.move(segment, elsewhere);
        Files.createSymbolicLink(segment, elsewhere);
        assertThatThrownBy(() -> builder().open())
                .isInstanceOf(SpoolException.class)
                .hasMessageStartingWith(segment + ": no regular file (expected: one");
        assertThatThrownBy(() -> SpoolInspector.describe(temporary.resolve("spool")))
                .isInstanceOf(SpoolException.class)
                .hasMessageStartingWith(segment + ": no regular file");
        Files.move(elsewhere, segment, StandardCopyOption.REPLACE_EXISTING);
        try (FileSpool spool = builder().open()) {
            assertThat(SpoolActions.scan(spool)).hasSize(1);
        }
    }

    /** The next number would not be read again. */
    @Test
    void numbersThatEndAreToldBeforeMailIsTaken() throws Exception {
        builder().open().close();
        Files.createFile(temporary.resolve("spool").resolve(SegmentFiles.name(Integer.MAX_VALUE)));
        assertThatThrownBy(() -> builder().open())
                .isInstanceOf(SpoolException.class)
                .hasMessageStartingWith("segment-2147483647: the last number there is");
    }

    @Test
    void onlyTheOwnerMayReadOrEnter() throws Exception {
        builder().open().close();
        assertThat(mode(temporary.resolve("spool"))).isEqualTo("rwx------");
        try (Stream<Path> files = Files.list(temporary.resolve("spool"))) {
            assertThat(files.map(DirectoryTest::mode)).isNotEmpty().containsOnly("rw-------");
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
    void whatIsNoSpoolIsNotDescribed() {
        assertThatThrownBy(() -> SpoolInspector.describe(temporary.resolve("none")))
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("none");
        assertThatThrownBy(() -> SpoolInspector.describe(temporary))
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("no segments");
    }

    @Test
    void interruptedReaderDisturbsNobody() throws Exception {
        try (FileSpool spool = builder().open()) {
            SpoolId id = store(spool, Envelopes.to("x@a.example"), START, octets(5_000, 1));
            Thread.currentThread().interrupt();
            assertThat(read(spool, id)).isEqualTo(octets(5_000, 1));
            assertThat(Thread.interrupted()).isTrue();
            assertThat(read(spool, id)).isEqualTo(octets(5_000, 1));
        }
    }

    /** The operating system tells of it in the language of the machine. */
    @Test
    void aFullDiskIsKnownInAnyLanguage() throws Exception {
        String german = "Auf dem Gerät ist kein Speicherplatz mehr verfügbar";
        assertThat(DiskIo.tellsFullDisk("/var/spool/segment.new: " + german, german))
                .isTrue();
        assertThat(DiskIo.tellsFullDisk("Eingabe-/Ausgabefehler", german)).isFalse();
        assertThat(DiskIo.tellsFullDisk("Disk quota exceeded", german)).isTrue();
        Path full = Path.of("/dev/full");
        assumeThat(full).exists();
        try (FileIo.Handle file = new DiskIo().openForWriting(full)) {
            assertThatThrownBy(() -> file.write(ByteBuffer.allocate(1), 0))
                    .isInstanceOf(FileIo.NoSpaceException.class)
                    .hasMessage(DiskIo.wordsForFullDisk());
        }
    }

    @Test
    void interruptsDoNotTouchWhatIsReadAndEndWhatIsWritten() throws Exception {
        FileIo io = new DiskIo();
        Path file = temporary.resolve("file");
        try (FileIo.Handle writing = io.openForWriting(file);
                FileIo.Handle reading = io.openForReading(file)) {
            SegmentFiles.writeFully(writing, ByteBuffer.wrap(octets(100, 1)), 0);
            Thread.currentThread().interrupt();
            assertThat(reading.size()).isEqualTo(100);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            assertThatThrownBy(() -> writing.read(ByteBuffer.allocate(100), 0)).isInstanceOf(IOException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThatThrownBy(() -> writing.write(ByteBuffer.allocate(100), 100))
                    .isInstanceOf(IOException.class);
            assertThat(reading.size()).isEqualTo(100);
        }
    }

    @Test
    void twentyWritersAndAnOnlooker() throws Exception {
        int writers = 20;
        int each = 40;
        ExecutorService workers = Executors.newFixedThreadPool(writers);
        try (FileSpool spool = builder().open()) {
            List<Future<List<SpoolId>>> results = new ArrayList<>();
            for (int i = 0; i < writers; i++) {
                int seed = i;
                Callable<List<SpoolId>> work = () -> {
                    List<SpoolId> ids = new ArrayList<>();
                    for (int n = 0; n < each; n++) {
                        ids.add(store(spool, Envelopes.to("x@a.example"), START, octets(4096, seed * 1000 + n)));
                    }
                    return ids;
                };
                results.add(workers.submit(work));
            }
            long before = 0;
            while (!results.stream().allMatch(Future::isDone)) {
                SpoolVerification seen = SpoolInspector.verify(temporary.resolve("spool"));
                assertThat(seen.damage()).isEmpty();
                assertThat(seen.description().messages()).isGreaterThanOrEqualTo(before);
                before = seen.description().messages();
            }
            List<SpoolId> all = new ArrayList<>();
            for (Future<List<SpoolId>> result : results) {
                all.addAll(result.get());
            }
            assertThat(all).doesNotHaveDuplicates().hasSize(writers * each);
            SpoolDescription seen = SpoolInspector.describe(temporary.resolve("spool"));
            assertThat(seen.messages()).isEqualTo(writers * each);
            assertThat(seen.mailDataBytes()).isEqualTo(writers * each * 4096L);
            assertThat(seen.lanes()).isEqualTo(1);
        } finally {
            workers.shutdownNow();
        }
    }
}
