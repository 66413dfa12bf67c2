package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.internal.dsn.DsnKind;
import org.backupmx.internal.dsn.FailedRecipient;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ReplyClass;
import org.backupmx.spool.RecipientState;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what becomes of recipients that are lost: who is told, what is kept for an operator, what is dropped. A DSN is on
 * stable storage before its failure is settled: after a crash in between it is sent twice, never forgotten. Runs on workers;
 * thread-safe.
 */
final class LostMail {

    private static final Logger LOG = LoggerFactory.getLogger(LostMail.class);

    /** When a recipient is tried again whose DSN could not be stored. */
    private static final Duration DSN_AGAIN = Duration.ofMinutes(5);

    private final Delivery delivery;
    private final Notifier notifier;

    LostMail(Delivery delivery, Notifier notifier) {
        this.delivery = delivery;
        this.notifier = notifier;
    }

    /**
     * Gives every lost recipient of an outcome its state.
     *
     * @return completes when that is done, never with a fault
     */
    CompletionStage<Void> decide(AttemptOutcome outcome) {
        List<AttemptOutcome.Lost> rest = new ArrayList<>();
        Optional<Mailbox> to = outcome.lease.message().envelope().reversePath().mailbox();
        boolean isExpiryDropped = outcome.expiry.rules().expiry() instanceof ExpiryAction.Drop;
        for (AttemptOutcome.Lost one : outcome.lost) {
            RecipientState before = one.recipient().state();
            if (RescueMark.is(before)) {
                continue; // the rescue hosts decide about it, in their time
            }
            // what was given up before is in an operator's hand
            if (!DeadLetters.isBuried(before) && mayBeRescued(outcome) && outcome.expiry.isRescued(one.failure())) {
                outcome.rescue(one);
            } else if (to.isEmpty() || (one.failure().isExpired() && isExpiryDropped)) {
                drop(outcome, one);
            } else {
                rest.add(one);
            }
        }
        return rest.isEmpty() ? CompletableFuture.completedFuture(null) : tellOrBury(outcome, rest, to.orElseThrow());
    }

    /** Nobody knows the certificates of rescue hosts, so what needs REQUIRETLS stays here (RFC 8689 section 4.2.1). */
    private static boolean mayBeRescued(AttemptOutcome outcome) {
        return !outcome.lease.message().envelope().requireTls();
    }

    private void drop(AttemptOutcome outcome, AttemptOutcome.Lost one) {
        outcome.end(one, false);
        delivery.counts.dropped();
    }

    private CompletionStage<Void> tellOrBury(AttemptOutcome outcome, List<AttemptOutcome.Lost> lost, Mailbox to) {
        List<AttemptOutcome.Lost> told = new ArrayList<>();
        boolean isVerified = notifier.isVerified(outcome.lease);
        boolean isSafe = notifier.isSafe(outcome.lease, to);
        for (AttemptOutcome.Lost one : lost) {
            if (!isVerified || !isSafe || isKeptFromSenders(outcome, one.failure())) {
                outcome.bury(one);
            } else if (DsnKind.FAILED.isWanted(one.failure().recipient())) {
                told.add(one);
            } else {
                drop(outcome, one);
            }
        }
        if (told.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        if (!notifier.allows(to, outcome.lease.domain())) {
            told.forEach(outcome::bury);
            delivery.counts.rateLimited(told.size());
            return CompletableFuture.completedFuture(null);
        }
        return tell(outcome, told, isVerified);
    }

    private static boolean isKeptFromSenders(AttemptOutcome outcome, FailedRecipient failure) {
        return !failure.isExpired()
                && isContentRefusal(failure.reply())
                && outcome.expiry.rules().contentRefusal() != ContentRefusal.DSN_IF_VERIFIED;
    }

    /** Tells whether a permanent failure is about what is in a message, or about a rule of the primary's. */
    static boolean isContentRefusal(SmtpReply reply) {
        return switch (ReplyClass.of(reply)) {
            case SPAM, POLICY, AUTH, SIZE -> true;
            case UNKNOWN_USER, FULL, GREYLIST, LOOP, SYSTEM -> false;
        };
    }

    private CompletionStage<Void> tell(AttemptOutcome outcome, List<AttemptOutcome.Lost> told, boolean isVerified) {
        List<FailedRecipient> failures =
                told.stream().map(AttemptOutcome.Lost::failure).toList();
        return notifier.store(DsnKind.FAILED, outcome, failures, null, isVerified)
                .handle((done, fault) -> {
                    if (fault == null) {
                        told.forEach(one -> outcome.end(one, true));
                    } else {
                        notStored(outcome, told, fault);
                    }
                    return null;
                });
    }

    private static void notStored(AttemptOutcome outcome, List<AttemptOutcome.Lost> told, Throwable fault) {
        LOG.atError().setCause(fault).addKeyValue("spoolId", outcome.lease.id()).log("DSN not stored, recipients kept");
        outcome.nextDue = outcome.now.plus(DSN_AGAIN);
        for (AttemptOutcome.Lost one : told) {
            // a transient reply: the recipient is no dead letter, it is attempted again, and its sender told then
            SmtpReply reply = one.failure().reply().isTransient()
                    ? one.failure().reply()
                    : AttemptOutcome.bounded(SmtpReply.of(
                            451,
                            "4.3.0",
                            "Notification not stored, the answer was: "
                                    + AttemptOutcome.text(one.failure().reply())));
            outcome.states.put(one.recipient().index(), new RecipientState.Deferred(reply, outcome.now));
        }
    }
}
