package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import org.backupmx.spool.SpoolId;
import org.jspecify.annotations.Nullable;

/** A place of a spool's files that is not what was written. Immutable and thread-safe. */
public final class SpoolDamage {

    private final String file;
    private final long offset;
    private final long lengthBytes;
    private final @Nullable SpoolId id;
    private final String reason;

    SpoolDamage(String file, long offset, long lengthBytes, @Nullable SpoolId id, String reason) {
        this.file = requireNonNull(file, "file");
        this.offset = offset;
        this.lengthBytes = lengthBytes;
        this.id = id;
        this.reason = requireNonNull(reason, "reason");
    }

    /**
     * Returns the file.
     *
     * @return its name in the spool's directory
     */
    public String file() {
        return file;
    }

    /**
     * Returns where in the file the damage begins.
     *
     * @return the offset in bytes, at least 0
     */
    public long offset() {
        return offset;
    }

    /**
     * Returns how much cannot be read.
     *
     * @return the length in bytes, at least 1
     */
    public long lengthBytes() {
        return lengthBytes;
    }

    /**
     * Returns the message that the damaged record belongs to. It need not be queued any more.
     *
     * @return its identity, empty if not even that is readable
     */
    public Optional<SpoolId> id() {
        return Optional.ofNullable(id);
    }

    /**
     * Returns what is wrong.
     *
     * @return a line for operators
     */
    public String reason() {
        return reason;
    }

    /** Returns all of it on one line. */
    @Override
    public String toString() {
        return file + " at " + offset + ", " + lengthBytes + " bytes" + (id == null ? "" : ", message " + id) + ": "
                + reason;
    }
}
