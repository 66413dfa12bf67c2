package org.backupmx.spool.file;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpooledMessage;

/** What is known of one message: what it is now, and what else it may be after a loss of power. */
final class Known {

    private final byte[] mailData;
    private final List<Optional<QueuedMessage>> versions = new ArrayList<>(List.of(Optional.empty()));

    /** A message that is about to be committed. */
    Known(SpoolId id, Envelope envelope, Instant receivedAt, byte[] mailData) {
        this.mailData = mailData;
        List<MessageLane> lanes = new ArrayList<>();
        for (MailDomain domain : envelope.domains()) {
            List<QueuedRecipient> recipients = new ArrayList<>();
            for (int i = 0; i < envelope.recipients().size(); i++) {
                if (envelope.recipients().get(i).domain().equals(domain)) {
                    recipients.add(
                            new QueuedRecipient(i, envelope.recipients().get(i), RecipientState.Pending.INSTANCE));
                }
            }
            lanes.add(new MessageLane(domain, recipients, 0, receivedAt));
        }
        SpooledMessage message = new SpooledMessage(id, envelope, receivedAt, mailData.length);
        versions.add(Optional.of(new QueuedMessage(message, lanes, false)));
    }

    byte[] mailData() {
        return mailData;
    }

    /** Returns what it is by the last word. */
    Optional<QueuedMessage> now() {
        return versions.get(versions.size() - 1);
    }

    /** Takes a new word, which may become durable later. */
    void next(Optional<QueuedMessage> version) {
        versions.add(version);
    }

    /** The last word is durable: nothing before it may be found. */
    void sure() {
        found(now());
    }

    /** Tells whether it is gone for good. */
    boolean isGone() {
        return versions.stream().noneMatch(Optional::isPresent);
    }

    /** This is what was found. */
    void found(Optional<QueuedMessage> version) {
        versions.clear();
        versions.add(version);
    }

    private Known(Known other) {
        this.mailData = other.mailData;
        this.versions.clear();
        this.versions.addAll(other.versions);
    }

    /** Returns another that goes its own way from here. */
    Known copy() {
        return new Known(this);
    }

    /** Returns what a message becomes by the settlement of a lane. */
    static Optional<QueuedMessage> settled(QueuedMessage message, MailDomain domain, Settlement outcome) {
        List<MessageLane> lanes = new ArrayList<>();
        for (MessageLane lane : message.lanes()) {
            if (!lane.domain().equals(domain)) {
                lanes.add(lane);
                continue;
            }
            List<QueuedRecipient> left = lane.recipients().stream()
                    .map(one -> new QueuedRecipient(
                            one.index(), one.recipient(), outcome.states().getOrDefault(one.index(), one.state())))
                    .filter(one -> !one.state().isFinal())
                    .toList();
            if (!left.isEmpty()) {
                lanes.add(new MessageLane(domain, left, lane.attempts() + 1, outcome.nextDue()));
            }
        }
        return lanes.isEmpty()
                ? Optional.empty()
                : Optional.of(new QueuedMessage(message.message(), lanes, message.held()));
    }

    /** Returns a message with another due instant, in one lane or in all. */
    static QueuedMessage due(QueuedMessage message, Optional<MailDomain> domain, Instant due) {
        List<MessageLane> lanes = message.lanes().stream()
                .map(lane -> domain.isPresent() && !domain.get().equals(lane.domain())
                        ? lane
                        : new MessageLane(lane.domain(), lane.recipients(), lane.attempts(), due))
                .toList();
        return new QueuedMessage(message.message(), lanes, message.held());
    }

    /** Tells whether this may be found after a loss of power. Lanes are apart: each is to be one that there was. */
    boolean isPossible(Optional<QueuedMessage> is) {
        if (is.isEmpty()) {
            return versions.contains(is);
        }
        List<QueuedMessage> possible =
                versions.stream().flatMap(Optional::stream).toList();
        QueuedMessage message = is.get();
        boolean same = possible.stream()
                .anyMatch(one -> one.held() == message.held() && one.message().equals(message.message()));
        List<MailDomain> domains =
                message.lanes().stream().map(MessageLane::domain).toList();
        return same
                && message.lanes().stream().allMatch(lane -> isPossible(lane, possible))
                && possible.stream()
                        .anyMatch(one -> domains.containsAll(
                                one.lanes().stream().map(MessageLane::domain).toList()));
    }

    /** The due instant is apart: of a batch that was not forced a DUES may be kept and the STATE before it not. */
    private static boolean isPossible(MessageLane lane, List<QueuedMessage> possible) {
        return lanes(possible, lane.domain()).stream()
                        .anyMatch(one -> one.attempts() == lane.attempts()
                                && one.recipients().equals(lane.recipients()))
                && lanes(possible, lane.domain()).stream()
                        .anyMatch(one -> one.due().equals(lane.due()));
    }

    private static List<MessageLane> lanes(List<QueuedMessage> messages, MailDomain domain) {
        return messages.stream()
                .flatMap(one -> one.lanes().stream())
                .filter(lane -> lane.domain().equals(domain))
                .toList();
    }

    @Override
    public String toString() {
        return versions.toString();
    }
}
