package org.backupmx.internal.queue;

import java.util.Optional;

/**
 * What a primary takes, as far as it must be known before mail for it is accepted. 8BITMIME and DSN are not in it: a
 * message goes without them. Immutable and thread-safe.
 *
 * @param maxMessageBytes the largest mail data, without the field that is put on top of it; {@link Long#MAX_VALUE} if
 *     there is no limit, or none is known
 * @param takesSmtpUtf8 whether it takes SMTPUTF8 (RFC 6531), or may
 * @param requireTls whether it offers REQUIRETLS (RFC 8689) inside TLS; empty if that is not known
 */
public record PrimaryLimits(long maxMessageBytes, boolean takesSmtpUtf8, Optional<Boolean> requireTls) {

    /** Nothing is known, so nothing is refused. */
    public static final PrimaryLimits UNKNOWN = new PrimaryLimits(Long.MAX_VALUE, true, Optional.empty());

    /** What our own field takes of the primary's SIZE, with room to spare. */
    static final int ROOM_FOR_FIELD = 2_048;

    /** Every server must take this much (RFC 5321 section 4.5.3.1.7): a lower limit is a mistake, and not believed. */
    static final long LEAST_LIMIT = 65_536;

    /** Returns the limits by the primary's own size limit, {@link Long#MAX_VALUE} for none. */
    static PrimaryLimits of(long size, boolean takesSmtpUtf8, Optional<Boolean> requireTls) {
        boolean isLimited = size >= LEAST_LIMIT && size != Long.MAX_VALUE;
        return new PrimaryLimits(isLimited ? size - ROOM_FOR_FIELD : Long.MAX_VALUE, takesSmtpUtf8, requireTls);
    }
}
