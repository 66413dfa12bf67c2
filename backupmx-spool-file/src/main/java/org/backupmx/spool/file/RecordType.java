package org.backupmx.spool.file;

import org.jspecify.annotations.Nullable;

/** What a record says. The codes stand in files and never change. */
enum RecordType {
    /** A message with its mail data. */
    MESSAGE(1),
    /** A part of a longer message's mail data; without meaning until the message's {@link #LONG} comes. */
    CHUNK(2),
    /** A message whose mail data are chunks. */
    LONG(3),
    /** The state of one lane of a message, whole: it replaces the one before. */
    STATE(4),
    /** The message is gone: every recipient final, or deleted. */
    DEAD(5),
    /** Whether the message is held. */
    HOLD(6),
    /** A new due instant of some lanes of some messages. */
    DUES(7),
    /** Nothing, but its header tells how far the segment was forced. */
    MARK(8),
    /** Nothing: covers bytes of a torn write. */
    PAD(9),
    /** What a start needs to know of some records of a segment; in checkpoints only. */
    SUMMARY(10),
    /** What a checkpoint covers, its last record; in checkpoints only. */
    COVERED(11);

    private static final RecordType[] TYPES = values();

    private final int code;

    RecordType(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    static @Nullable RecordType of(int code) {
        return code >= 1 && code <= TYPES.length ? TYPES[code - 1] : null;
    }
}
