package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The envelope of a mail transaction (RFC 5321 section 2.3.1): the reverse-path, the recipients, and the parameters
 * that came with them. Immutable and thread-safe.
 *
 * <p>Recipients keep their order; their position is how the spool names them.
 */
public final class Envelope {

    private final ReversePath reversePath;
    private final List<Recipient> recipients;
    private final BodyType bodyType;
    private final boolean smtpUtf8;
    private final boolean requireTls;
    private final long declaredBytes;
    private final DsnParameters dsn;

    private Envelope(Builder b, List<Recipient> recipients) {
        this.reversePath = b.reversePath;
        this.recipients = recipients;
        this.bodyType = b.bodyType;
        this.smtpUtf8 = b.smtpUtf8;
        this.requireTls = b.requireTls;
        this.declaredBytes = b.declaredBytes;
        this.dsn = b.dsn;
    }

    /**
     * Starts an envelope.
     *
     * @param reversePath the reverse-path of MAIL
     * @return a builder
     */
    public static Builder from(ReversePath reversePath) {
        return new Builder(requireNonNull(reversePath, "reversePath"));
    }

    /**
     * Returns the reverse-path.
     *
     * @return where notifications go
     */
    public ReversePath reversePath() {
        return reversePath;
    }

    /**
     * Returns the recipients in the order of their RCPT commands.
     *
     * @return at least one recipient
     */
    public List<Recipient> recipients() {
        return recipients;
    }

    /**
     * Returns the destination domains: the lanes in which this message stands.
     *
     * @return each recipient domain once, in order of first appearance
     */
    public Set<MailDomain> domains() {
        if (recipients.size() == 1) {
            return Set.of(recipients.get(0).domain());
        }
        Set<MailDomain> domains = new LinkedHashSet<>();
        recipients.forEach(recipient -> domains.add(recipient.domain()));
        return domains;
    }

    /**
     * Returns the BODY parameter.
     *
     * @return the body type; {@link BodyType#SEVEN_BIT} when not given
     */
    public BodyType bodyType() {
        return bodyType;
    }

    /**
     * Tells whether MAIL carried SMTPUTF8 (RFC 6531).
     *
     * @return true if it did
     */
    public boolean smtpUtf8() {
        return smtpUtf8;
    }

    /**
     * Tells whether MAIL carried REQUIRETLS (RFC 8689): the message goes on only inside TLS that has shown who the next hop
     * is, and only to one that offers REQUIRETLS itself; what is told of it goes likewise.
     *
     * @return true if it did
     */
    public boolean requireTls() {
        return requireTls;
    }

    /**
     * Returns the size that the client declared (RFC 1870).
     *
     * @return SIZE in bytes, empty when not given
     */
    public OptionalLong declaredBytes() {
        return declaredBytes < 0 ? OptionalLong.empty() : OptionalLong.of(declaredBytes);
    }

    /**
     * Returns the DSN parameters of MAIL.
     *
     * @return RET and ENVID
     */
    public DsnParameters dsn() {
        return dsn;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Envelope other
                && reversePath.equals(other.reversePath)
                && recipients.equals(other.recipients)
                && bodyType == other.bodyType
                && smtpUtf8 == other.smtpUtf8
                && requireTls == other.requireTls
                && declaredBytes == other.declaredBytes
                && dsn.equals(other.dsn);
    }

    @Override
    public int hashCode() {
        return reversePath.hashCode() * 31 + recipients.hashCode();
    }

    /** Returns the paths, for people: {@code <a@example.org> -> [b@example.net]}. */
    @Override
    public String toString() {
        return "<" + reversePath + "> -> " + recipients;
    }

    /** Collects the parts of an {@link Envelope}. Not thread-safe. */
    public static final class Builder {
        private final ReversePath reversePath;
        private final List<Recipient> recipients = new ArrayList<>(1);
        private BodyType bodyType = BodyType.SEVEN_BIT;
        private boolean smtpUtf8;
        private boolean requireTls;
        private long declaredBytes = -1;
        private DsnParameters dsn = DsnParameters.none();

        private Builder(ReversePath reversePath) {
            this.reversePath = reversePath;
        }

        /**
         * Adds a recipient after those already there.
         *
         * @param recipient the recipient
         * @return this builder
         */
        public Builder to(Recipient recipient) {
            recipients.add(requireNonNull(recipient, "recipient"));
            return this;
        }

        /**
         * Sets BODY; {@link BodyType#SEVEN_BIT} unless set.
         *
         * @param value the body type
         * @return this builder
         */
        public Builder bodyType(BodyType value) {
            bodyType = requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets SMTPUTF8; off unless set.
         *
         * @param value whether MAIL carried it
         * @return this builder
         */
        public Builder smtpUtf8(boolean value) {
            smtpUtf8 = value;
            return this;
        }

        /**
         * Sets REQUIRETLS; off unless set.
         *
         * @param value whether MAIL carried it
         * @return this builder
         */
        public Builder requireTls(boolean value) {
            requireTls = value;
            return this;
        }

        /**
         * Sets SIZE; absent unless set.
         *
         * @param value the declared size in bytes, at least 0
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is negative
         */
        public Builder declaredBytes(long value) {
            if (value < 0) {
                throw new IllegalArgumentException("declaredBytes: " + value + " (expected: >= 0)");
            }
            declaredBytes = value;
            return this;
        }

        /**
         * Sets RET and ENVID; neither unless set.
         *
         * @param value the parameters
         * @return this builder
         */
        public Builder dsn(DsnParameters value) {
            dsn = requireNonNull(value, "value");
            return this;
        }

        /**
         * Returns the envelope.
         *
         * @return the envelope
         * @throws IllegalStateException if there is no recipient
         */
        public Envelope build() {
            if (recipients.isEmpty()) {
                throw new IllegalStateException("recipients: [] (expected: at least one)");
            }
            return new Envelope(this, List.copyOf(recipients));
        }
    }
}
