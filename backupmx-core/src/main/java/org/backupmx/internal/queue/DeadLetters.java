package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolLease;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps mail that nobody takes and of which nobody may be told, for an operator. Thread-safe; blocks.
 *
 * <p>A recipient that is given up is <em>buried</em>: it stays in the spool, deferred with a permanent reply, and is not
 * attempted while others of its message are. When nothing but buried recipients is left of a message, in all its lanes, the
 * message is held ({@link HeldMail}). Held messages are not leased, so a lease with nothing but buried recipients is one that
 * waits for another lane, or one that an operator has released: that is attempted anew.
 *
 * <p>In a spool that cannot hold, buried recipients are attempted once a day for as long as they would be held, then fail.
 */
final class DeadLetters {

    /** When a message is looked at again that waits for its other lanes. */
    static final Duration OTHER_LANES_AGAIN = Duration.ofHours(1);

    /** How often what cannot be held is tried. */
    static final Duration UNHELD_AGAIN = Duration.ofDays(1);

    private static final Duration SPOOL_AGAIN = Duration.ofMinutes(5);
    private static final Logger LOG = LoggerFactory.getLogger(DeadLetters.class);

    private final Delivery delivery;

    DeadLetters(Delivery delivery) {
        this.delivery = delivery;
    }

    static boolean isBuried(RecipientState state) {
        return state instanceof RecipientState.Deferred deferred
                && deferred.reply().isPermanent();
    }

    /** Tells whether a recipient's next attempt is one at the primary, of the message as it came. */
    static boolean isPlain(RecipientState state) {
        return !isBuried(state) && !RescueMark.is(state) && !TagMark.is(state);
    }

    /**
     * Returns a lease with the recipients that are to be attempted at the primary; empty if the message waits for its other
     * lanes, or goes to the rescue hosts. Those who get a tag come when all others are through. Never fails: in doubt all are
     * attempted but who is in rescue.
     */
    Optional<SpoolLease> toAttempt(SpoolLease lease) {
        boolean isWhole = true; // a loop: every attempt of every message passes here
        for (QueuedRecipient recipient : lease.recipients()) {
            isWhole &= isPlain(recipient.state());
        }
        if (isWhole) {
            return Optional.of(lease);
        }
        List<QueuedRecipient> next = those(lease, DeadLetters::isPlain);
        if (next.isEmpty()) {
            next = those(lease, TagMark::is);
        }
        if (next.isEmpty()) {
            return RescueMark.isNext(lease) || waitsForOthers(lease) ? Optional.empty() : Optional.of(lease);
        }
        return Optional.of(new SpoolLease(
                lease.message(), lease.domain(), next, lease.attempts(), lease.due(), lease.until(), lease.token()));
    }

    private static List<QueuedRecipient> those(SpoolLease lease, Predicate<RecipientState> which) {
        return lease.recipients().stream()
                .filter(recipient -> which.test(recipient.state()))
                .toList();
    }

    private boolean waitsForOthers(SpoolLease lease) {
        try {
            return othersLive(lease);
        } catch (SpoolException e) {
            LOG.atWarn().setCause(e).addKeyValue("spoolId", lease.id()).log("lanes of a message not known");
            return false;
        }
    }

    /** Tells whether another lane of the message has work to do. */
    private boolean othersLive(SpoolLease lease) throws SpoolException {
        if (lease.message().envelope().domains().size() == 1) {
            return false;
        }
        if (!(delivery.spool instanceof FindableSpool findable)) {
            return true;
        }
        Optional<QueuedMessage> found = findable.find(lease.id());
        return found.isPresent()
                && found.get().lanes().stream()
                        .filter(lane -> !lane.domain().equals(lease.domain()))
                        .map(MessageLane::recipients)
                        .flatMap(List::stream)
                        .anyMatch(recipient -> !isBuried(recipient.state()));
    }

    /** Holds the message of an outcome if all that is left of it is buried, before the outcome is settled. */
    void holdIfOver(AttemptOutcome outcome) {
        if (!outcome.remains()) {
            return;
        }
        List<RecipientState> left = outcome.lease.recipients().stream()
                .map(outcome::state)
                .filter(state -> !state.isFinal())
                .toList();
        if (!left.stream().allMatch(DeadLetters::isBuried)) {
            return;
        }
        try {
            if (!delivery.heldMail.canHold()) {
                putOff(outcome);
            } else if (othersLive(outcome.lease)) {
                outcome.nextDue = outcome.now.plus(OTHER_LANES_AGAIN);
            } else {
                hold(outcome, left);
            }
        } catch (SpoolException | RuntimeException e) {
            LOG.atError().setCause(e).addKeyValue("spoolId", outcome.lease.id()).log("dead letter not held");
            outcome.nextDue = outcome.now.plus(SPOOL_AGAIN);
        }
    }

    private void hold(AttemptOutcome outcome, List<RecipientState> left) throws SpoolException {
        SmtpReply reply = ((RecipientState.Deferred) left.get(left.size() - 1)).reply();
        Duration keep = outcome.expiry.rules().deadLetterTime();
        boolean isExpired = left.stream().allMatch(DeadLetters::isExpired);
        if (delivery.heldMail.hold(
                outcome.lease.message(),
                isExpired ? HeldMail.Reason.EXPIRED : HeldMail.Reason.DEAD_LETTER,
                keep,
                AttemptOutcome.text(reply))) {
            outcome.heldUntil = outcome.now.plus(keep);
            delivery.counts.deadLettered();
        }
    }

    private static boolean isExpired(RecipientState state) {
        return state instanceof RecipientState.Deferred deferred
                && deferred.reply()
                        .enhanced()
                        .filter(new EnhancedStatusCode(5, 4, 7)::equals)
                        .isPresent();
    }

    private void putOff(AttemptOutcome outcome) {
        Instant received = outcome.lease.message().receivedAt();
        Instant end = received.plus(outcome.expiry
                .spent(received, outcome.now)
                .map(LaneExpiry.Spent::lifetime)
                .orElse(Duration.ZERO)
                .plus(outcome.expiry.rules().deadLetterTime()));
        outcome.nextDue = outcome.now.plus(UNHELD_AGAIN);
        if (end.isAfter(outcome.now)) {
            return;
        }
        for (QueuedRecipient recipient : outcome.lease.recipients()) {
            if (isBuried(outcome.state(recipient))) {
                SmtpReply reply = ((RecipientState.Deferred) outcome.state(recipient)).reply();
                outcome.states.put(recipient.index(), new RecipientState.Failed(reply, outcome.now));
                delivery.counts.dropped();
            }
        }
    }
}
