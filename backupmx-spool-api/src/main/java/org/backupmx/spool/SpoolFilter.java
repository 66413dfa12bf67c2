package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.jspecify.annotations.Nullable;

/**
 * Which queued messages to find: those that fit every condition set. Immutable and thread-safe.
 */
public final class SpoolFilter {

    private static final SpoolFilter ALL = new SpoolFilter(null, null, null, null, null);

    private final @Nullable MailDomain domain;
    private final @Nullable Mailbox recipient;
    private final @Nullable ReversePath reversePath;
    private final @Nullable Boolean held;
    private final @Nullable Instant receivedBefore;

    private SpoolFilter(
            @Nullable MailDomain domain,
            @Nullable Mailbox recipient,
            @Nullable ReversePath reversePath,
            @Nullable Boolean held,
            @Nullable Instant receivedBefore) {
        this.domain = domain;
        this.recipient = recipient;
        this.reversePath = reversePath;
        this.held = held;
        this.receivedBefore = receivedBefore;
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
        return new SpoolFilter(requireNonNull(value, "value"), recipient, reversePath, held, receivedBefore);
    }

    /**
     * Narrows to messages with a recipient that is not final.
     *
     * @param value the recipient's mailbox
     * @return a narrower filter
     */
    public SpoolFilter recipient(Mailbox value) {
        return new SpoolFilter(domain, requireNonNull(value, "value"), reversePath, held, receivedBefore);
    }

    /**
     * Narrows to messages of a reverse-path.
     *
     * @param value the reverse-path
     * @return a narrower filter
     */
    public SpoolFilter reversePath(ReversePath value) {
        return new SpoolFilter(domain, recipient, requireNonNull(value, "value"), held, receivedBefore);
    }

    /**
     * Narrows to messages that are held, or that are not.
     *
     * @param value whether held
     * @return a narrower filter
     */
    public SpoolFilter held(boolean value) {
        return new SpoolFilter(domain, recipient, reversePath, value, receivedBefore);
    }

    /**
     * Narrows to messages received before an instant.
     *
     * @param value the instant, exclusive
     * @return a narrower filter
     */
    public SpoolFilter receivedBefore(Instant value) {
        return new SpoolFilter(domain, recipient, reversePath, held, requireNonNull(value, "value"));
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
                && (receivedBefore == null || spooled.receivedAt().isBefore(receivedBefore));
    }
}
