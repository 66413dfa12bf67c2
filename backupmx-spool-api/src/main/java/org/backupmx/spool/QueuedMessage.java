package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;

/**
 * A queued message with all that the spool knows of it, lane by lane. Immutable and thread-safe.
 *
 * @param message the message
 * @param lanes its lanes that still have work, in order of the envelope
 * @param held whether it is held
 */
public record QueuedMessage(SpooledMessage message, List<MessageLane> lanes, boolean held) {

    /** Checks and copies the parts. */
    public QueuedMessage {
        requireNonNull(message, "message");
        lanes = List.copyOf(lanes);
    }

    /**
     * Returns the message's identity.
     *
     * @return {@code message().id()}
     */
    public SpoolId id() {
        return message.id();
    }

    /**
     * Returns a message as it is queued by its commit: every recipient pending, every lane due when the message was
     * received, no attempts, not held.
     *
     * @param message the message
     * @return the queued message
     */
    public static QueuedMessage of(SpooledMessage message) {
        List<Recipient> all = message.envelope().recipients();
        List<MessageLane> lanes = new ArrayList<>();
        for (MailDomain domain : message.envelope().domains()) {
            List<QueuedRecipient> recipients = new ArrayList<>();
            for (int i = 0; i < all.size(); i++) {
                if (all.get(i).domain().equals(domain)) {
                    recipients.add(new QueuedRecipient(i, all.get(i), RecipientState.Pending.INSTANCE));
                }
            }
            lanes.add(new MessageLane(domain, recipients, 0, message.receivedAt()));
        }
        return new QueuedMessage(message, lanes, false);
    }

    /**
     * Returns this message after a settlement in one lane: final recipients are gone, and so is the lane if none is
     * left. When no lane is left the message has nothing more to wait for.
     *
     * @param domain the lane
     * @param settlement the outcomes
     * @return the message afterwards
     * @throws IllegalArgumentException if the settlement names a recipient that the lane does not hold
     */
    public QueuedMessage settled(MailDomain domain, Settlement settlement) {
        List<MessageLane> left = new ArrayList<>();
        for (MessageLane lane : lanes) {
            if (!lane.domain().equals(domain)) {
                left.add(lane);
                continue;
            }
            List<QueuedRecipient> recipients = new ArrayList<>();
            int named = 0;
            for (QueuedRecipient recipient : lane.recipients()) {
                RecipientState state = settlement.states().get(recipient.index());
                named += state == null ? 0 : 1;
                RecipientState now = state == null ? recipient.state() : state;
                if (!now.isFinal()) {
                    recipients.add(new QueuedRecipient(recipient.index(), recipient.recipient(), now));
                }
            }
            if (named < settlement.states().size()) {
                throw new IllegalArgumentException("states: of recipients "
                        + settlement.states().keySet() + " (expected: recipients of lane " + domain + ")");
            }
            if (!recipients.isEmpty()) {
                int attempts = lane.attempts() + (settlement.attempt() ? 1 : 0);
                left.add(new MessageLane(domain, recipients, attempts, settlement.nextDue()));
            }
        }
        return new QueuedMessage(message, left, held);
    }
}
