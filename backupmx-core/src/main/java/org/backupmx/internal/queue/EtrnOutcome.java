package org.backupmx.internal.queue;

/**
 * What is done about an ETRN (RFC 1985).
 *
 * @param kind what
 * @param messages how many messages are attempted, held ones not among them
 */
public record EtrnOutcome(Kind kind, long messages) {

    /** What is done. */
    public enum Kind {
        /** The messages are being attempted. */
        STARTED,
        /** The messages are attempted when a probe, which goes out now, succeeds. */
        PROBED_FIRST,
        /** The messages are attempted in the hours of the domain, and this is none of them. */
        OUTSIDE_HOURS,
        /** There are none. */
        NONE_WAITING,
        /** There are some, and all are held. */
        HELD,
        /** The DNS does not say now who the primary is. */
        PRIMARY_UNKNOWN,
        /** The client is not the primary, or the domain is none of ours. */
        NOT_ALLOWED
    }

    static EtrnOutcome without(Kind kind) {
        return new EtrnOutcome(kind, 0);
    }
}
