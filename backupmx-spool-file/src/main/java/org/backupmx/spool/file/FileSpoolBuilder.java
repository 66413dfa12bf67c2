package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.function.LongSupplier;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;

/** Collects the settings of a {@link FileSpool}. Not thread-safe. */
public final class FileSpoolBuilder {

    /** The size of a segment unless set: {@value} bytes (256 MiB). */
    public static final int DEFAULT_SEGMENT_BYTES = 256 << 20;

    /** The smallest size of a segment: {@value} bytes (64 KiB). */
    public static final int MIN_SEGMENT_BYTES = 64 << 10;

    /** The largest size of a segment: {@value} bytes (1 GiB). */
    public static final int MAX_SEGMENT_BYTES = 1 << 30;

    /** The segments that are kept ready unless set: {@value}. */
    public static final int DEFAULT_SPARE_SEGMENTS = 2;

    /** The most segments that are kept ready: {@value}. */
    public static final int MAX_SPARE_SEGMENTS = 64;

    /** The free space below which new mail is refused unless set: {@value} bytes (1 GiB). */
    public static final long DEFAULT_MINIMUM_FREE_BYTES = 1L << 30;

    /** The least that {@link #minimumFreeBytes} takes: {@value} bytes (4 MiB), room to write down that mail left. */
    public static final long MIN_MINIMUM_FREE_BYTES = 4L << 20;

    /** The free part of the disk below which new mail is refused unless set: {@value} percent. */
    public static final int DEFAULT_MINIMUM_FREE_PERCENT = 10;

    /** The memory for transactions under way unless set: {@value} bytes (64 MiB). */
    public static final long DEFAULT_PENDING_BYTES = 64L << 20;

    /** The least memory for transactions under way: {@value} bytes (1 MiB). */
    public static final long MIN_PENDING_BYTES = 1L << 20;

    /** What compaction may read and write in a second unless set: {@value} bytes (32 MiB). */
    public static final long DEFAULT_COMPACTION_BYTES_PER_SECOND = 32L << 20;

    /** The least that compaction may read and write in a second: {@value} bytes (1 MiB). */
    public static final long MIN_COMPACTION_BYTES_PER_SECOND = 1L << 20;

    /** The most that compaction may read and write in a second: {@value} bytes (1 TiB). */
    public static final long MAX_COMPACTION_BYTES_PER_SECOND = 1L << 40;

    final Path directory;
    int segmentBytes = DEFAULT_SEGMENT_BYTES;
    int spareSegments = DEFAULT_SPARE_SEGMENTS;
    long minimumFreeBytes = DEFAULT_MINIMUM_FREE_BYTES;
    int minimumFreePercent = DEFAULT_MINIMUM_FREE_PERCENT;
    long pendingBytes = DEFAULT_PENDING_BYTES;
    int slackSegments = CompactionPolicy.SLACK_SEGMENTS;
    long compactionBytesPerSecond = DEFAULT_COMPACTION_BYTES_PER_SECOND;
    SyncMode syncMode = SyncMode.FORCE;
    int checkpointedBytes = 1 << 20;
    private final SecureRandom random = new SecureRandom();
    private @Nullable SpoolKeys encryptionKeys;
    FileIo io = new DiskIo();
    LongSupplier keys = random::nextLong;
    LongSupplier nanoTime = System::nanoTime;
    GroupCommitter.Maker committer = GroupCommitter::new;
    Compactor.Maker compactor = Compactor::new;

    FileSpoolBuilder(Path directory) {
        this.directory = requireNonNull(directory, "directory");
    }

    /**
     * Sets the size of a segment; {@link #DEFAULT_SEGMENT_BYTES} unless set. Space comes back segment by segment: smaller
     * ones give it back sooner, larger ones are fewer open files. A spool may be opened again with another size.
     *
     * @param value the size in bytes, {@link #MIN_SEGMENT_BYTES} to {@link #MAX_SEGMENT_BYTES}
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public FileSpoolBuilder segmentBytes(int value) {
        check("segmentBytes", value, MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        segmentBytes = value;
        return this;
    }

    /**
     * Sets how many segments are kept ready for mail to come; {@link #DEFAULT_SPARE_SEGMENTS} unless set. Commits into them
     * are faster, as they need no room of the disk. Files of segments whose mail is gone are kept for that; what is
     * missing is made in quiet times, a second after the last record, at 10 MiB a second, and only while as much room as 16
     * segments take is free beyond {@link #minimumFreeBytes} and {@link #minimumFreePercent}. With 0, none are kept
     * or made. What was kept by a higher number goes at the opening.
     *
     * @param value the number of segments, 0 to {@link #MAX_SPARE_SEGMENTS}
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public FileSpoolBuilder spareSegments(int value) {
        check("spareSegments", value, 0, MAX_SPARE_SEGMENTS);
        spareSegments = value;
        return this;
    }

    /**
     * Sets the free space of the disk below which new mail is refused; {@link #DEFAULT_MINIMUM_FREE_BYTES} unless set.
     * Below half of it the spool is exhausted, and clients are turned away as they connect. Delivery and deletion go on.
     *
     * @param value the free space in bytes, at least {@link #MIN_MINIMUM_FREE_BYTES}
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public FileSpoolBuilder minimumFreeBytes(long value) {
        check("minimumFreeBytes", value, MIN_MINIMUM_FREE_BYTES, Long.MAX_VALUE);
        minimumFreeBytes = value;
        return this;
    }

    /**
     * Sets the free part of the disk below which new mail is refused; {@link #DEFAULT_MINIMUM_FREE_PERCENT} unless set.
     *
     * @param value the free part in percent, 0 to 90; 0 leaves {@link #minimumFreeBytes} alone to decide
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public FileSpoolBuilder minimumFreePercent(int value) {
        check("minimumFreePercent", value, 0, 90);
        minimumFreePercent = value;
        return this;
    }

    /**
     * Sets how much memory transactions under way may take together; {@link #DEFAULT_PENDING_BYTES} unless set. A small
     * message takes 8 to 160 KiB from begin to commit, a longer one up to three chunks of 256 KiB. When it is used up,
     * {@code begin} and {@code write} throw {@link SpoolUnavailableException}; a message that is longer than
     * {@link FileSpool#nonBlockingBytes()} waits up to 10 seconds before.
     *
     * @param value the memory in bytes, at least {@link #MIN_PENDING_BYTES}
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public FileSpoolBuilder pendingBytes(long value) {
        check("pendingBytes", value, MIN_PENDING_BYTES, Long.MAX_VALUE);
        pendingBytes = value;
        return this;
    }

    /**
     * Sets how much compaction, which gives the room of departed mail back, may read and write in a second;
     * {@link #DEFAULT_COMPACTION_BYTES_PER_SECOND} unless set. It does not count while the disk has too little room for
     * new mail, or more than three times the room is taken that is needed.
     *
     * @param value the bytes a second, {@link #MIN_COMPACTION_BYTES_PER_SECOND} to
     *     {@link #MAX_COMPACTION_BYTES_PER_SECOND}
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public FileSpoolBuilder compactionBytesPerSecond(long value) {
        check("compactionBytesPerSecond", value, MIN_COMPACTION_BYTES_PER_SECOND, MAX_COMPACTION_BYTES_PER_SECOND);
        compactionBytesPerSecond = value;
        return this;
    }

    /**
     * Sets what a commit waits for; {@link SyncMode#FORCE} unless set.
     *
     * @param value the mode; {@link SyncMode#NONE} is for measurements and <b>can lose committed mail</b>
     * @return this builder
     */
    public FileSpoolBuilder syncMode(SyncMode value) {
        syncMode = requireNonNull(value, "value");
        return this;
    }

    FileSpoolBuilder slackSegments(int value) {
        slackSegments = value;
        return this;
    }

    /**
     * Has new segments encrypted with AES-256-GCM: mail data, envelopes, replies of next hops. Off unless set; what was
     * written without is still read, and goes as its mail goes. A spool that has encrypted segments can be opened only
     * with keys that open them.
     *
     * @param value the keys, see {@link KeyFile}; used until the spool is closed, and closed or zeroed by their owner
     * @return this builder
     */
    public FileSpoolBuilder encryptionKeys(SpoolKeys value) {
        encryptionKeys = requireNonNull(value, "value");
        return this;
    }

    Encryption encryption() {
        return new Encryption(encryptionKeys, random);
    }

    FileSpoolBuilder io(FileIo value) {
        io = value;
        return this;
    }

    /** Sets how much a segment has to hold to get a checkpoint. */
    FileSpoolBuilder checkpointedBytes(int value) {
        checkpointedBytes = value;
        return this;
    }

    FileSpoolBuilder keys(LongSupplier value) {
        keys = value;
        return this;
    }

    FileSpoolBuilder nanoTime(LongSupplier value) {
        nanoTime = value;
        return this;
    }

    /** Sets who takes the turns: with others than the two threads a history can be repeated. */
    FileSpoolBuilder turns(GroupCommitter.Maker committing, Compactor.Maker compacting) {
        committer = committing;
        compactor = compacting;
        return this;
    }

    private static void check(String name, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: "
                    + (most == Long.MAX_VALUE ? ">= " + least : least + " to " + most) + ")");
        }
    }

    /**
     * Opens the spool: makes the directory if there is none, reads what it holds, and takes mail.
     *
     * @return the open spool, which the caller closes
     * @throws SpoolUnavailableException if the directory is in use; the message names it and the process that uses it
     * @throws SpoolFullException if the disk is full
     * @throws SpoolException if the directory cannot be used, another release wrote it in a format unknown here, or a key
     *     that it is encrypted with is missing; the message says what to do
     */
    public FileSpool open() throws SpoolException {
        return FileSpool.open(this);
    }
}
