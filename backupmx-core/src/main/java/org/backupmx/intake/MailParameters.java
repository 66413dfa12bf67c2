package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.OptionalLong;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;

/**
 * The parameters of MAIL (RFC 1870, RFC 6152, RFC 6531, RFC 3461, RFC 8689). Immutable and thread-safe.
 *
 * @param sizeBytes SIZE, or -1 when not given
 * @param bodyType BODY
 * @param smtpUtf8 whether SMTPUTF8 was given
 * @param dsn RET and ENVID
 * @param requireTls whether REQUIRETLS was given
 */
public record MailParameters(
        long sizeBytes, BodyType bodyType, boolean smtpUtf8, DsnParameters dsn, boolean requireTls) {

    private static final MailParameters NONE = new MailParameters(-1, BodyType.SEVEN_BIT, false, DsnParameters.none());

    /** Checks the parts. */
    public MailParameters {
        requireNonNull(bodyType, "bodyType");
        requireNonNull(dsn, "dsn");
        if (sizeBytes < -1) {
            throw new IllegalArgumentException("sizeBytes: " + sizeBytes + " (expected: >= -1)");
        }
    }

    /**
     * Makes parameters without REQUIRETLS.
     *
     * @param sizeBytes SIZE, or -1 when not given
     * @param bodyType BODY
     * @param smtpUtf8 whether SMTPUTF8 was given
     * @param dsn RET and ENVID
     */
    public MailParameters(long sizeBytes, BodyType bodyType, boolean smtpUtf8, DsnParameters dsn) {
        this(sizeBytes, bodyType, smtpUtf8, dsn, false);
    }

    /**
     * Returns the absence of parameters.
     *
     * @return none given
     */
    public static MailParameters none() {
        return NONE;
    }

    /**
     * Returns the declared size.
     *
     * @return SIZE in bytes, empty when not given
     */
    public OptionalLong declaredBytes() {
        return sizeBytes < 0 ? OptionalLong.empty() : OptionalLong.of(sizeBytes);
    }
}
