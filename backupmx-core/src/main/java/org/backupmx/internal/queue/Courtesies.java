package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.internal.dsn.DsnKind;
import org.backupmx.internal.dsn.FailedRecipient;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * DSNs that a verified sender has asked for and that tell of no failure: that mail is late, and that it was handed to a primary
 * which sends no notifications itself. What cannot be stored, or is over the rate, is left out: nobody loses mail by it. Runs
 * on workers; thread-safe.
 */
final class Courtesies {

    /** When mail is late. */
    static final Duration LATE = Duration.ofHours(4);

    private static final SmtpReply NOT_ATTEMPTED = SmtpReply.of(451, "4.4.1", "The primary does not answer");
    private static final Logger LOG = LoggerFactory.getLogger(Courtesies.class);

    private final Notifier notifier;

    Courtesies(Notifier notifier) {
        this.notifier = notifier;
    }

    /** Tells whether a message has become late since it was attempted, for a recipient whose sender wants to know. */
    static boolean becameLate(SpoolLease lease, Instant now) {
        return lease.recipients().stream().anyMatch(recipient -> becameLate(recipient, lease, now));
    }

    private static boolean becameLate(QueuedRecipient recipient, SpoolLease lease, Instant now) {
        Instant late = lease.message().receivedAt().plus(LATE);
        boolean wasTold = recipient.state() instanceof RecipientState.Deferred deferred
                && !deferred.at().isBefore(late);
        return !now.isBefore(late)
                && !wasTold
                && DsnKind.DELAYED.isWanted(recipient.recipient())
                && !lease.message().envelope().reversePath().isNull();
    }

    /** Marks who became late in a lease that is not attempted. */
    static void defer(AttemptOutcome outcome, Instant due) {
        outcome.nextDue = due;
        for (QueuedRecipient recipient : outcome.lease.recipients()) {
            if (becameLate(recipient, outcome.lease, outcome.now)) {
                SmtpReply last = recipient.state() instanceof RecipientState.Deferred deferred
                        ? deferred.reply()
                        : NOT_ATTEMPTED;
                outcome.deferred(recipient, last, due);
            }
        }
    }

    /**
     * Tells what is to be told of an outcome that has its states.
     *
     * @param primaryTells whether the primary sends notifications itself; empty if that is not known
     * @return completes when that is done; never fails
     */
    CompletionStage<Void> tell(AttemptOutcome outcome, Optional<Boolean> primaryTells) {
        List<FailedRecipient> late = outcome.lease.recipients().stream()
                .filter(recipient -> outcome.states.get(recipient.index()) instanceof RecipientState.Deferred
                        && !DeadLetters.isBuried(outcome.state(recipient))
                        && !RescueMark.is(outcome.state(recipient))
                        && becameLate(recipient, outcome.lease, outcome.now))
                .map(recipient -> told(outcome, recipient))
                .toList();
        List<FailedRecipient> relayed = primaryTells.orElse(true)
                ? List.of()
                : outcome.lease.recipients().stream()
                        .filter(recipient -> outcome.state(recipient) instanceof RecipientState.Relayed
                                && DsnKind.RELAYED.isWanted(recipient.recipient()))
                        .map(recipient -> told(outcome, recipient))
                        .toList();
        Optional<Mailbox> to = outcome.lease.message().envelope().reversePath().mailbox();
        if (to.isEmpty()
                || (late.isEmpty() && relayed.isEmpty())
                || !notifier.isSafe(outcome.lease, to.get())
                || !notifier.isVerified(outcome.lease)) {
            return CompletableFuture.completedFuture(null);
        }
        return tell(DsnKind.DELAYED, outcome, late, to.get())
                .thenCompose(done -> tell(DsnKind.RELAYED, outcome, relayed, to.get()));
    }

    private static FailedRecipient told(AttemptOutcome outcome, QueuedRecipient recipient) {
        SmtpReply reply = outcome.state(recipient) instanceof RecipientState.Relayed relayed
                ? relayed.reply()
                : ((RecipientState.Deferred) outcome.state(recipient)).reply();
        return FailedRecipient.refused(
                recipient.recipient(),
                reply,
                outcome.via == null ? null : outcome.via.nextHop().host());
    }

    private CompletionStage<Void> tell(DsnKind kind, AttemptOutcome outcome, List<FailedRecipient> told, Mailbox to) {
        if (told.isEmpty() || !notifier.allows(to, outcome.lease.domain())) {
            return CompletableFuture.completedFuture(null);
        }
        Instant until = kind == DsnKind.DELAYED
                ? outcome.expiry
                        .spent(outcome.lease.message().receivedAt(), outcome.now)
                        .map(LaneExpiry.Spent::kept)
                        .orElse(null)
                : null;
        return notifier.store(kind, outcome, told, until, true).exceptionally(fault -> {
            LOG.atWarn()
                    .setCause(fault)
                    .addKeyValue("spoolId", outcome.lease.id())
                    .log("DSN not stored, left out");
            return null;
        });
    }
}
