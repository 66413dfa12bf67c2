package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.StringJoiner;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.jspecify.annotations.Nullable;

/**
 * Which queued messages to find: those that fit every condition set. Immutable and thread-safe.
 */
public final class SpoolFilter {

    private static final SpoolFilter ALL = new SpoolFilter(null, null, null, null, null, 0, null);

    private final @Nullable MailDomain domain;
    private final @Nullable Mailbox recipient;
    private final @Nullable ReversePath reversePath;
    private final @Nullable Boolean held;
    private final @Nullable Instant receivedBefore;
    private final long leastBytes;
    private final @Nullable String reply;

    private SpoolFilter(
            @Nullable MailDomain domain,
            @Nullable Mailbox recipient,
            @Nullable ReversePath reversePath,
            @Nullable Boolean held,
            @Nullable Instant receivedBefore,
            long leastBytes,
            @Nullable String reply) {
        this.domain = domain;
        this.recipient = recipient;
        this.reversePath = reversePath;
        this.held = held;
        this.receivedBefore = receivedBefore;
        this.leastBytes = leastBytes;
        this.reply = reply;
    }

    /**
     * Returns the filter without conditions.
     *
     * @return every queued message
     */
    public static SpoolFilter all() {
        return ALL;
    }

    /**
     * Narrows to messages that still have work in a lane.
     *
     * @param value the destination domain
     * @return a narrower filter
     */
    public SpoolFilter domain(MailDomain value) {
        return new SpoolFilter(
                requireNonNull(value, "value"), recipient, reversePath, held, receivedBefore, leastBytes, reply);
    }

    /**
     * Narrows to messages with a recipient that is not final.
     *
     * @param value the recipient's mailbox
     * @return a narrower filter
     */
    public SpoolFilter recipient(Mailbox value) {
        return new SpoolFilter(
                domain, requireNonNull(value, "value"), reversePath, held, receivedBefore, leastBytes, reply);
    }

    /**
     * Narrows to messages of a reverse-path.
     *
     * @param value the reverse-path
     * @return a narrower filter
     */
    public SpoolFilter reversePath(ReversePath value) {
        return new SpoolFilter(
                domain, recipient, requireNonNull(value, "value"), held, receivedBefore, leastBytes, reply);
    }

    /**
     * Narrows to messages that are held, or that are not.
     *
     * @param value whether held
     * @return a narrower filter
     */
    public SpoolFilter held(boolean value) {
        return new SpoolFilter(domain, recipient, reversePath, value, receivedBefore, leastBytes, reply);
    }

    /**
     * Narrows to messages received before an instant.
     *
     * @param value the instant, exclusive
     * @return a narrower filter
     */
    public SpoolFilter receivedBefore(Instant value) {
        return new SpoolFilter(domain, recipient, reversePath, held, requireNonNull(value, "value"), leastBytes, reply);
    }

    /**
     * Narrows to messages larger than a size.
     *
     * @param bytes the size of mail data in bytes, exclusive, at least 0
     * @return a narrower filter
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public SpoolFilter largerThan(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes: " + bytes + " (expected: >= 0)");
        }
        return new SpoolFilter(domain, recipient, reversePath, held, receivedBefore, bytes + 1, reply);
    }

    /**
     * Narrows to messages with a recipient that was deferred with a certain reply.
     *
     * @param value what the reply contains, as {@link org.backupmx.mail.SmtpReply#toString()} shows it, in upper or lower
     *     case; not empty
     * @return a narrower filter
     * @throws IllegalArgumentException if {@code value} is empty
     */
    public SpoolFilter reply(String value) {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("value: empty (expected: a part of a reply)");
        }
        return new SpoolFilter(
                domain, recipient, reversePath, held, receivedBefore, leastBytes, value.toLowerCase(Locale.ROOT));
    }

    /**
     * Returns the condition on the lane.
     *
     * @return the destination domain, empty for any
     */
    public Optional<MailDomain> domain() {
        return Optional.ofNullable(domain);
    }

    /**
     * Returns the condition on recipients.
     *
     * @return the mailbox, empty for any
     */
    public Optional<Mailbox> recipient() {
        return Optional.ofNullable(recipient);
    }

    /**
     * Returns the condition on the reverse-path.
     *
     * @return the reverse-path, empty for any
     */
    public Optional<ReversePath> reversePath() {
        return Optional.ofNullable(reversePath);
    }

    /**
     * Returns the condition on being held.
     *
     * @return whether held, empty for either
     */
    public Optional<Boolean> held() {
        return Optional.ofNullable(held);
    }

    /**
     * Returns the condition on age.
     *
     * @return the instant before which the message was received, empty for any
     */
    public Optional<Instant> receivedBefore() {
        return Optional.ofNullable(receivedBefore);
    }

    /**
     * Returns the condition on size.
     *
     * @return the least size of mail data that fits, in bytes; empty for any
     */
    public OptionalLong leastBytes() {
        return leastBytes == 0 ? OptionalLong.empty() : OptionalLong.of(leastBytes);
    }

    /**
     * Returns the condition on replies.
     *
     * @return what a reply contains, in lower case; empty for any, or none
     */
    public Optional<String> reply() {
        return Optional.ofNullable(reply);
    }

    /**
     * Tells whether a message fits.
     *
     * @param message the message
     * @return true if it fits every condition
     */
    public boolean matches(QueuedMessage message) {
        SpooledMessage spooled = message.message();
        return (domain == null
                        || message.lanes().stream()
                                .anyMatch(lane -> lane.domain().equals(domain)))
                && (recipient == null
                        || message.lanes().stream()
                                .flatMap(lane -> lane.recipients().stream())
                                .anyMatch(queued ->
                                        queued.recipient().path().mailbox().equals(recipient)))
                && (reversePath == null || spooled.envelope().reversePath().equals(reversePath))
                && (held == null || held == message.held())
                && (receivedBefore == null || spooled.receivedAt().isBefore(receivedBefore))
                && spooled.sizeBytes() >= leastBytes
                && (reply == null
                        || message.lanes().stream()
                                .flatMap(lane -> lane.recipients().stream())
                                .anyMatch(queued -> isToldIn(reply, queued.state())));
    }

    private static boolean isToldIn(String part, RecipientState state) {
        return state instanceof RecipientState.Deferred deferred
                && deferred.reply().toString().toLowerCase(Locale.ROOT).contains(part);
    }

    /** Returns the conditions on one line, for audits: {@code domain=example.org before=2026-11-30T12:00:00Z}. */
    @Override
    public String toString() {
        StringJoiner text = new StringJoiner(" ");
        domain().ifPresent(value -> text.add("domain=" + value));
        recipient().ifPresent(value -> text.add("recipient=" + value));
        reversePath().ifPresent(value -> text.add("reverse-path=<" + value + ">"));
        held().ifPresent(value -> text.add("held=" + value));
        receivedBefore().ifPresent(value -> text.add("before=" + value));
        leastBytes().ifPresent(value -> text.add("larger-than=" + (value - 1)));
        reply().ifPresent(value -> text.add("reply=" + value.replaceAll("\\p{Cntrl}", "?")));
        return text.length() == 0 ? "all" : text.toString();
    }
}
