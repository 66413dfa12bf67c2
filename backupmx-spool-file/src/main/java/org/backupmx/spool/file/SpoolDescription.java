package org.backupmx.spool.file;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a spool's directory holds. Immutable and thread-safe. */
public final class SpoolDescription {

    private final long messages;
    private final long held;
    private final long lanes;
    private final long mailDataBytes;
    private final @Nullable Instant oldest;
    private final List<Integer> formatVersions;
    private final long segments;
    private final long fileBytes;
    private final long liveBytes;
    private final long deadBytes;
    private final long spareBytes;
    private final long damaged;
    private final Map<String, Long> encryptedSegments;

    private SpoolDescription(Builder parts) {
        messages = parts.messages;
        held = parts.held;
        lanes = parts.lanes;
        mailDataBytes = parts.mailDataBytes;
        oldest = parts.oldest;
        formatVersions = List.copyOf(parts.formatVersions);
        segments = parts.segments;
        fileBytes = parts.fileBytes;
        liveBytes = parts.liveBytes;
        deadBytes = parts.deadBytes;
        spareBytes = parts.spareBytes;
        damaged = parts.damaged;
        encryptedSegments = Map.copyOf(parts.encryptedSegments);
    }

    /** What is counted. Used by one thread. */
    static final class Builder {
        long messages;
        long held;
        long lanes;
        long mailDataBytes;

        @Nullable
        Instant oldest;

        List<Integer> formatVersions = List.of();
        long segments;
        long fileBytes;
        long liveBytes;
        long deadBytes;
        long spareBytes;
        long damaged;
        final Map<String, Long> encryptedSegments = new HashMap<>();

        SpoolDescription build() {
            return new SpoolDescription(this);
        }
    }

    /**
     * Returns how many messages are queued; damaged ones do not count.
     *
     * @return the number of messages
     */
    public long messages() {
        return messages;
    }

    /**
     * Returns how many of the messages are held.
     *
     * @return the number of held messages
     */
    public long held() {
        return held;
    }

    /**
     * Returns how many destination domains have queued messages.
     *
     * @return the number of lanes
     */
    public long lanes() {
        return lanes;
    }

    /**
     * Returns how much mail data is queued.
     *
     * @return the sum of the queued messages' sizes in bytes
     */
    public long mailDataBytes() {
        return mailDataBytes;
    }

    /**
     * Returns when the message that waits longest was received.
     *
     * @return the instant, empty if no message is queued
     */
    public Optional<Instant> oldest() {
        return Optional.ofNullable(oldest);
    }

    /**
     * Returns the format versions of the segments.
     *
     * @return the versions, ascending, each once; empty if no segment's header is intact
     */
    public List<Integer> formatVersions() {
        return formatVersions;
    }

    /**
     * Returns how many segment files there are.
     *
     * @return the number of segments
     */
    public long segments() {
        return segments;
    }

    /**
     * Returns how large the segment files are.
     *
     * @return the sum of their sizes in bytes
     */
    public long fileBytes() {
        return fileBytes;
    }

    /**
     * Returns how much of the segments is needed.
     *
     * @return the sum of the needed records' lengths in bytes
     */
    public long liveBytes() {
        return liveBytes;
    }

    /**
     * Returns how much of what was written to the segments is not needed any more, and waits to be compacted or
     * removed.
     *
     * @return the sum in bytes
     */
    public long deadBytes() {
        return deadBytes;
    }

    /**
     * Returns how large the files are that are kept ready for segments to come, see
     * {@link FileSpoolBuilder#spareSegments}; what is ready in the last segment counts in {@link #fileBytes}.
     *
     * @return the sum of their sizes in bytes
     */
    public long spareBytes() {
        return spareBytes;
    }

    /**
     * Returns how many messages, and places no message can be named for, are damaged and were needed.
     *
     * @return the number of damages
     */
    public long damaged() {
        return damaged;
    }

    /**
     * Returns how many segments are encrypted, by the id of the key that is needed to read them; the others are not
     * encrypted. A key that is not named is not needed any more.
     *
     * @return numbers of segments by key id
     */
    public Map<String, Long> encryptedSegments() {
        return encryptedSegments;
    }
}
