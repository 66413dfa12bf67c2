package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.event.RecipientRescued;
import org.backupmx.event.RescueBegun;
import org.backupmx.internal.dsn.DsnKind;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.retry.RetryDecision;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.RescueHosts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns the end of an attempt into a settlement. Runs on workers; thread-safe. */
final class Settler {

    private static final Logger LOG = LoggerFactory.getLogger(Settler.class);

    /** When a message is tried again for which we could not decide. */
    private static final Duration AGAIN = Duration.ofMinutes(5);

    private static final SmtpReply EXPIRED = SmtpReply.of(451, "4.4.7", "Delivery time expired");

    private final Delivery delivery;
    private final LostMail lostMail;
    private final Courtesies courtesies;
    private final DeadLetters deadLetters;

    Settler(Delivery delivery, Consumer<Envelope> committed, Predicate<MailDomain> honours) {
        this.delivery = delivery;
        Notifier notifier = new Notifier(delivery, committed, honours);
        this.lostMail = new LostMail(delivery, notifier);
        this.courtesies = new Courtesies(notifier);
        this.deadLetters = new DeadLetters(delivery);
    }

    /** Is told that a lease is settled. */
    interface Done {
        /**
         * The lease is over.
         *
         * @param remains whether recipients are left in the lane
         */
        void settled(boolean remains);
    }

    /** Returns a lease with the recipients that are to be attempted; empty if there are none now. */
    Optional<SpoolLease> toAttempt(SpoolLease lease) {
        return deadLetters.toAttempt(lease);
    }

    /** Settles a lease in which nobody was to be attempted. */
    void waiting(HeldLease held, LaneExpiry expiry, Done done) {
        AttemptOutcome outcome = new AttemptOutcome(held.lease(), null, expiry, delivery.runtime.now());
        // as of now, so that a drain knows that it has been here
        for (QueuedRecipient recipient : held.lease().recipients()) {
            if (recipient.state() instanceof RecipientState.Deferred deferred) {
                outcome.states.put(recipient.index(), new RecipientState.Deferred(deferred.reply(), outcome.now));
            }
        }
        outcome.nextDue = outcome.now.plus(DeadLetters.OTHER_LANES_AGAIN);
        delivery.keeper.settle(held, new Settlement(outcome.now, outcome.states, outcome.nextDue, false));
        done.settled(true);
    }

    /**
     * Settles by the outcome of each recipient.
     *
     * @param attempted the recipients that were attempted, of those of the lease
     * @param outcomes one for each of them
     */
    void attempted(
            HeldLease held,
            @Nullable NextHopAddress via,
            List<QueuedRecipient> attempted,
            List<RecipientOutcome> outcomes,
            LaneExpiry expiry,
            Done done) {
        AttemptOutcome outcome = new AttemptOutcome(held.lease(), via, expiry, delivery.runtime.now());
        for (int i = 0; i < outcomes.size(); i++) {
            QueuedRecipient recipient = attempted.get(i);
            RecipientOutcome result = outcomes.get(i);
            SmtpReply reply = AttemptOutcome.ofPeer(result.reply());
            if (result instanceof RecipientOutcome.Relayed) {
                outcome.relayed(recipient, reply);
            } else if (result instanceof RecipientOutcome.PermanentFailure) {
                refused(outcome, recipient, reply);
            } else if (result instanceof RecipientOutcome.TransientFailure) {
                deferred(outcome, recipient, reply);
            } else if (result instanceof RecipientOutcome.Unknown) {
                delivery.counts.outcomeUnknown();
                deferred(outcome, recipient, AttemptOutcome.bounded(UnknownOutcomes.marked(result.reply())));
            } else {
                throw new AssertionError(result);
            }
        }
        end(held, outcome, done);
    }

    /**
     * Settles an attempt at the rescue hosts, of those recipients of the lease who are in rescue.
     *
     * @param outcomes one for each of them
     */
    void rescued(
            HeldLease held,
            @Nullable NextHopAddress via,
            List<RecipientOutcome> outcomes,
            LaneExpiry expiry,
            Done done) {
        AttemptOutcome outcome = new AttemptOutcome(held.lease(), via, expiry, delivery.runtime.now());
        outcome.isRescue = true;
        List<QueuedRecipient> attempted = RescueMark.recipients(held.lease());
        for (int i = 0; i < outcomes.size(); i++) {
            QueuedRecipient recipient = attempted.get(i);
            SmtpReply reply = AttemptOutcome.ofPeer(outcomes.get(i).reply());
            if (outcomes.get(i) instanceof RecipientOutcome.Relayed) {
                outcome.relayed(recipient, reply);
                delivery.counts.rescued();
            } else if (outcomes.get(i) instanceof RecipientOutcome.PermanentFailure) {
                outcome.rescueFailed(recipient, reply);
            } else {
                if (outcomes.get(i) instanceof RecipientOutcome.Unknown) {
                    delivery.counts.outcomeUnknown();
                }
                outcome.rescueDeferred(recipient, reply);
            }
        }
        end(held, outcome, done);
    }

    private static void refused(AttemptOutcome outcome, QueuedRecipient recipient, SmtpReply reply) {
        ContentRefusal rule = outcome.expiry.rules().contentRefusal();
        if (rule == ContentRefusal.RETRY && LostMail.isContentRefusal(reply)) {
            deferred(
                    outcome,
                    recipient,
                    AttemptOutcome.bounded(
                            SmtpReply.of(451, "4.7.1", "Refused, tried again: " + AttemptOutcome.text(reply))));
        } else if (rule == ContentRefusal.TAG_AND_RETRY && isTagged(outcome, recipient, reply)) {
            outcome.tagged(recipient, reply);
        } else {
            outcome.refused(recipient, reply);
        }
    }

    /** Once, and not for what an operator has released. */
    private static boolean isTagged(AttemptOutcome outcome, QueuedRecipient recipient, SmtpReply reply) {
        return TagMark.isWorthIt(reply) && DeadLetters.isPlain(recipient.state()) && outcome.expiry.isOfRelayDomain();
    }

    private static void deferred(AttemptOutcome outcome, QueuedRecipient recipient, SmtpReply reply) {
        if (RescueMark.is(recipient.state())) {
            outcome.rescueDeferred(recipient, reply); // no attempt of ours: none of it is given back
        } else if (outcome.retry() instanceof RetryDecision.RetryAt retry) {
            outcome.deferred(
                    recipient,
                    marked(recipient.state(), reply),
                    Greylisted.soonest(
                            reply, recipient.state(), outcome.lease.attempts(), retry.instant(), outcome.now));
        } else {
            outcome.expired(recipient, reply);
        }
    }

    /** What is kept of a reply with who bears a mark. */
    private static SmtpReply marked(RecipientState before, SmtpReply reply) {
        if (TagMark.is(before)) {
            return TagMark.answered(before, reply);
        }
        return UnknownOutcomes.is(before) ? AttemptOutcome.bounded(UnknownOutcomes.marked(reply)) : reply;
    }

    /** Settles an attempt that had one reason to fail for now, the same for all. */
    void deferred(
            HeldLease held,
            @Nullable NextHopAddress via,
            List<QueuedRecipient> attempted,
            SmtpReply reply,
            LaneExpiry expiry,
            Done done) {
        // a 5yz at the door is about the host, not about the message
        SmtpReply transientReply =
                reply.isTransient() ? reply : SmtpReply.of(451, "4.3.0", "Next hop refused the session: " + reply);
        attempted(
                held,
                via,
                attempted,
                attempted.stream()
                        .<RecipientOutcome>map(recipient -> new RecipientOutcome.TransientFailure(transientReply))
                        .toList(),
                expiry,
                done);
    }

    /** Fails every recipient. */
    void failed(HeldLease held, SmtpReply reply, LaneExpiry expiry, Done done) {
        AttemptOutcome outcome = new AttemptOutcome(held.lease(), null, expiry, delivery.runtime.now());
        held.lease().recipients().forEach(recipient -> outcome.refused(recipient, reply));
        end(held, outcome, done);
    }

    /** Expires every recipient, with the reply of its last attempt. */
    void expired(HeldLease held, LaneExpiry expiry, Done done) {
        AttemptOutcome outcome = new AttemptOutcome(held.lease(), null, expiry, delivery.runtime.now());
        for (QueuedRecipient recipient : held.lease().recipients()) {
            SmtpReply last = recipient.state() instanceof RecipientState.Deferred deferred ? deferred.reply() : EXPIRED;
            if (last.isPermanent()) {
                outcome.refused(recipient, last); // given up before
            } else {
                outcome.expired(recipient, last);
            }
        }
        end(held, outcome, done);
    }

    /** Settles a lease that was not attempted, and whose message has become late. */
    void late(HeldLease held, Instant due, LaneExpiry expiry, Done done) {
        AttemptOutcome outcome = new AttemptOutcome(held.lease(), null, expiry, delivery.runtime.now());
        outcome.isAttempt = false;
        Courtesies.defer(outcome, due);
        end(held, outcome, done);
    }

    private void end(HeldLease held, AttemptOutcome outcome, Done done) {
        if (outcome.lost.isEmpty() && !mayBeTold(outcome.lease)) {
            close(held, outcome, done);
            return;
        }
        lostMail.decide(outcome)
                .thenCompose(decided -> courtesies.tell(outcome, primaryTells(outcome)))
                .whenCompleteAsync(
                        (decided, fault) -> {
                            if (fault != null) {
                                LOG.atError()
                                        .setCause(fault)
                                        .addKeyValue("spoolId", held.id())
                                        .log("lost mail kept");
                                outcome.nextDue = outcome.now.plus(AGAIN);
                            }
                            close(held, outcome, done);
                        },
                        delivery.runtime.workers());
    }

    /** A rescue host is told nothing of what the sender wants to hear, so it tells him nothing. */
    private static Optional<Boolean> primaryTells(AttemptOutcome outcome) {
        return outcome.isRescue ? Optional.of(false) : outcome.expiry.primaryTells();
    }

    /** Tells whether the sender has asked to hear of more than failures. */
    private static boolean mayBeTold(SpoolLease lease) {
        for (QueuedRecipient recipient : lease.recipients()) {
            if (DsnKind.DELAYED.isWanted(recipient.recipient()) || DsnKind.RELAYED.isWanted(recipient.recipient())) {
                return true;
            }
        }
        return false;
    }

    private void close(HeldLease held, AttemptOutcome outcome, Done done) {
        boolean settled = false;
        try {
            if (outcome.goesOtherwise()) {
                outcome.nextDue = outcome.now;
            }
            deadLetters.holdIfOver(outcome);
            settled = delivery.keeper.settle(
                    held, new Settlement(outcome.now, outcome.states, outcome.nextDue, outcome.isAttempt));
            if (settled && !outcome.rescues.isEmpty()) {
                delivery.counts.rescueBegun(outcome.rescues.size());
            }
            if (settled) {
                delivery.inRescue.seen(outcome.lease.domain(), outcome.lease.id(), outcome.isInRescue());
            }
            if (settled && !outcome.isRescue) {
                delivery.drained.settled(
                        outcome.lease.domain(),
                        outcome.remains() && outcome.heldUntil == null,
                        outcome.states.values());
            }
            if (settled && delivery.events.isObserved()) {
                outcome.lease.recipients().forEach(recipient -> post(outcome, recipient));
                postRescues(outcome);
                postHeld(outcome);
            }
        } finally {
            keepOn(held);
            done.settled(!settled || outcome.remains());
        }
    }

    /** Gives back a lease that a fault of ours kept from its settlement: else it would be renewed for ever. */
    private void keepOn(HeldLease held) {
        Instant now = delivery.runtime.now();
        if (!held.isOver(now)) {
            delivery.keeper.settle(held, Settlement.unused(now, now.plus(AGAIN)));
        }
    }

    private void post(AttemptOutcome outcome, QueuedRecipient recipient) {
        SpoolId id = outcome.lease.id();
        ForwardPath path = recipient.recipient().path();
        NextHopAddress via = outcome.via;
        int attempt = outcome.lease.attempts() + (via == null ? 0 : 1);
        boolean notified = outcome.notified.contains(recipient.index());
        @Nullable RecipientState state = outcome.states.get(recipient.index());
        if (state instanceof RecipientState.Relayed relayed && via != null && outcome.isRescue) {
            delivery.events.post(new RecipientRescued(outcome.now, id, path, via, relayed.reply(), attempt));
        } else if (state instanceof RecipientState.Relayed relayed && via != null) {
            delivery.events.post(new RecipientRelayed(outcome.now, id, path, via, relayed.reply(), attempt));
        } else if (state instanceof RecipientState.Deferred deferred
                && via != null
                && outcome.heldUntil == null
                && (outcome.isRescue || !RescueMark.is(state))) {
            delivery.events.post(
                    new RecipientDeferred(outcome.now, id, path, via, deferred.reply(), attempt, outcome.nextDue));
        } else if (state instanceof RecipientState.Failed failed) {
            delivery.events.post(new RecipientFailed(
                    outcome.now, id, path, Optional.ofNullable(via), failed.reply(), attempt, notified));
        } else if (state instanceof RecipientState.Expired expired) {
            delivery.events.post(new RecipientExpired(
                    outcome.now, id, path, Optional.ofNullable(via), expired.reply(), attempt, notified));
        }
    }

    private void postRescues(AttemptOutcome outcome) {
        if (!outcome.rescues.isEmpty()) {
            delivery.events.post(new RescueBegun(
                    outcome.now,
                    outcome.lease.id(),
                    outcome.lease.domain(),
                    outcome.rescues.stream()
                            .map(one -> one.recipient().recipient().path())
                            .toList(),
                    outcome.rescues.get(0).failure().reply(),
                    outcome.expiry
                            .rules()
                            .rescueHosts()
                            .map(RescueHosts::nextHops)
                            .orElse(List.of())));
        }
    }

    private void postHeld(AttemptOutcome outcome) {
        if (outcome.heldUntil == null) {
            return;
        }
        List<ForwardPath> left = outcome.lease.recipients().stream()
                .filter(recipient -> !outcome.state(recipient).isFinal())
                .map(recipient -> recipient.recipient().path())
                .toList();
        SmtpReply reply = outcome.lease.recipients().stream()
                .map(outcome::state)
                .filter(DeadLetters::isBuried)
                .map(state -> ((RecipientState.Deferred) state).reply())
                .findFirst()
                .orElse(EXPIRED);
        delivery.events.post(new MessageDeadLettered(
                outcome.now, outcome.lease.id(), outcome.lease.domain(), left, reply, outcome.heldUntil));
    }
}
