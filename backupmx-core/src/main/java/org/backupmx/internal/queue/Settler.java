package org.backupmx.internal.queue;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.internal.dsn.Dsn;
import org.backupmx.internal.dsn.DsnComposer;
import org.backupmx.internal.dsn.FailedRecipient;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.MailData;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.retry.RetryDecision;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns the end of an attempt into a settlement. A DSN is on stable storage before the failure that it tells of is
 * settled: after a crash in between it is sent twice, never forgotten. Runs on workers; thread-safe.
 */
final class Settler {

    private static final Logger LOG = LoggerFactory.getLogger(Settler.class);

    /** When a recipient is tried again whose DSN could not be stored. */
    private static final Duration DSN_AGAIN = Duration.ofMinutes(5);

    /** The most characters of a reply that are kept. */
    private static final int MAX_REPLY_CHARS = 1000;

    private static final SmtpReply EXPIRED = SmtpReply.of(451, "4.4.7", "Delivery time expired");

    private final Delivery delivery;
    private final DsnComposer composer;
    private final Consumer<Envelope> committed;

    Settler(Delivery delivery, Consumer<Envelope> committed) {
        this.delivery = delivery;
        this.composer = new DsnComposer(delivery.config.hostname(), delivery.config.clock(), delivery.runtime.random());
        this.committed = committed;
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

    /** What an attempt made of a message, while it is being put together. */
    private static final class Outcome {
        final SpoolLease lease;
        final Instant now;
        final Map<Integer, RecipientState> states = new HashMap<>();
        final List<FailedRecipient> undelivered = new ArrayList<>(0);
        Instant nextDue;

        Outcome(SpoolLease lease, Instant now) {
            this.lease = lease;
            this.now = now;
            this.nextDue = lease.due();
        }
    }

    /** Settles by the outcome of each recipient. */
    void attempted(
            HeldLease held, NextHopAddress via, List<RecipientOutcome> outcomes, RetryPolicy retryPolicy, Done done) {
        SpoolLease lease = held.lease();
        Outcome outcome = new Outcome(lease, delivery.runtime.now());
        RetryDecision decision = null;
        for (int i = 0; i < outcomes.size(); i++) {
            QueuedRecipient recipient = lease.recipients().get(i);
            RecipientOutcome result = outcomes.get(i);
            SmtpReply reply = bounded(result.reply());
            if (result instanceof RecipientOutcome.Relayed) {
                outcome.states.put(recipient.index(), new RecipientState.Relayed(reply, outcome.now));
            } else if (result instanceof RecipientOutcome.PermanentFailure) {
                fail(outcome, recipient, reply, via);
            } else if (result instanceof RecipientOutcome.TransientFailure) {
                if (decision == null) {
                    decision = retryPolicy.decide(
                            lease.attempts() + 1, lease.message().receivedAt(), outcome.now);
                }
                if (decision instanceof RetryDecision.RetryAt retry) {
                    outcome.nextDue = retry.instant();
                    outcome.states.put(recipient.index(), new RecipientState.Deferred(reply, outcome.now));
                } else {
                    expire(outcome, recipient, reply, via);
                }
            } else {
                throw new AssertionError(result);
            }
        }
        end(held, outcome, via, done);
    }

    /** What is kept of a reply: queued messages hold it, and its length is the next hop's. */
    private static SmtpReply bounded(SmtpReply reply) {
        int chars = reply.lines().stream().mapToInt(line -> line.length() + 1).sum();
        if (chars <= MAX_REPLY_CHARS) {
            return reply;
        }
        StringBuilder start = new StringBuilder(2 * MAX_REPLY_CHARS);
        for (String line : reply.lines()) {
            start.append(line, 0, Math.min(line.length(), MAX_REPLY_CHARS)).append(' ');
            if (start.length() > MAX_REPLY_CHARS) {
                break;
            }
        }
        int end = Math.min(start.length(), MAX_REPLY_CHARS);
        end -= Character.isHighSurrogate(start.charAt(end - 1)) ? 1 : 0;
        return SmtpReply.of(reply.code(), reply.enhanced(), List.of(start.substring(0, end) + "..."));
    }

    /** Settles an attempt that had one reason to fail for now, the same for all. */
    void deferred(HeldLease held, NextHopAddress via, SmtpReply reply, RetryPolicy retryPolicy, Done done) {
        // a 5yz at the door is about the host, not about the message
        SmtpReply transientReply =
                reply.isTransient() ? reply : SmtpReply.of(451, "4.3.0", "Next hop refused the session: " + reply);
        attempted(
                held,
                via,
                held.lease().recipients().stream()
                        .<RecipientOutcome>map(recipient -> new RecipientOutcome.TransientFailure(transientReply))
                        .toList(),
                retryPolicy,
                done);
    }

    /** Fails every recipient. */
    void failed(HeldLease held, SmtpReply reply, Done done) {
        Outcome outcome = new Outcome(held.lease(), delivery.runtime.now());
        held.lease().recipients().forEach(recipient -> fail(outcome, recipient, reply, null));
        end(held, outcome, null, done);
    }

    /** Expires every recipient, with the reply of its last attempt. */
    void expired(HeldLease held, Done done) {
        Outcome outcome = new Outcome(held.lease(), delivery.runtime.now());
        for (QueuedRecipient recipient : held.lease().recipients()) {
            SmtpReply last = recipient.state() instanceof RecipientState.Deferred deferred ? deferred.reply() : EXPIRED;
            expire(outcome, recipient, last, null);
        }
        end(held, outcome, null, done);
    }

    private static void fail(
            Outcome outcome, QueuedRecipient recipient, SmtpReply reply, @Nullable NextHopAddress via) {
        outcome.states.put(recipient.index(), new RecipientState.Failed(reply, outcome.now));
        outcome.undelivered.add(FailedRecipient.refused(recipient.recipient(), reply, host(via)));
    }

    private static void expire(
            Outcome outcome, QueuedRecipient recipient, SmtpReply reply, @Nullable NextHopAddress via) {
        outcome.states.put(recipient.index(), new RecipientState.Expired(reply, outcome.now));
        outcome.undelivered.add(FailedRecipient.expired(recipient.recipient(), reply, host(via)));
    }

    private static @Nullable String host(@Nullable NextHopAddress via) {
        return via == null ? null : via.nextHop().host();
    }

    private void end(HeldLease held, Outcome outcome, @Nullable NextHopAddress via, Done done) {
        if (outcome.undelivered.isEmpty()) {
            settle(held, outcome, via, false, done);
            return;
        }
        Optional<Dsn> dsn;
        CompletionStage<SpoolId> stored;
        try {
            dsn = compose(outcome);
            if (dsn.isEmpty()) {
                settle(held, outcome, via, false, done);
                return;
            }
            stored = store(dsn.get(), outcome.now);
        } catch (IOException | RuntimeException e) {
            dsn = Optional.empty();
            stored = CompletableFuture.failedFuture(e);
        }
        Optional<Dsn> composed = dsn;
        stored.whenCompleteAsync(
                (id, fault) -> {
                    if (fault == null) {
                        try {
                            composed.ifPresent(told -> committed.accept(told.envelope()));
                        } finally {
                            settle(held, outcome, via, true, done);
                        }
                    } else {
                        LOG.atError()
                                .setCause(fault)
                                .addKeyValue("spoolId", outcome.lease.id())
                                .log("DSN not stored, recipients kept");
                        keepUndelivered(outcome);
                        settle(held, outcome, via, false, done);
                    }
                },
                delivery.runtime.workers());
    }

    private Optional<Dsn> compose(Outcome outcome) throws IOException {
        MailData original = new SpooledMailData(delivery.spool, outcome.lease.message());
        try {
            return composer.compose(outcome.lease.message(), outcome.undelivered, original);
        } catch (SpoolDamagedException e) {
            LOG.atError().setCause(e).addKeyValue("spoolId", outcome.lease.id()).log("mail data damaged");
            return composer.compose(outcome.lease.message(), outcome.undelivered, NoMailData.INSTANCE);
        }
    }

    private CompletionStage<SpoolId> store(Dsn dsn, Instant now) throws SpoolException {
        try (SpoolWriter writer = delivery.spool.begin(dsn.envelope(), now)) {
            writer.write(dsn.mailData());
            return writer.commit();
        }
    }

    private static void keepUndelivered(Outcome outcome) {
        outcome.nextDue = outcome.now.plus(DSN_AGAIN);
        outcome.states.replaceAll((index, state) -> {
            if (state instanceof RecipientState.Failed failed) {
                return new RecipientState.Deferred(failed.reply(), failed.at());
            }
            return state instanceof RecipientState.Expired expired
                    ? new RecipientState.Deferred(expired.reply(), expired.at())
                    : state;
        });
    }

    private void settle(HeldLease held, Outcome outcome, @Nullable NextHopAddress via, boolean notified, Done done) {
        boolean settled = false;
        try {
            settled = delivery.keeper.settle(held, Settlement.attempted(outcome.now, outcome.states, outcome.nextDue));
            if (settled && delivery.events.isObserved()) {
                outcome.lease.recipients().forEach(recipient -> post(outcome, recipient, via, notified));
            }
        } finally {
            done.settled(!settled || !outcome.states.values().stream().allMatch(RecipientState::isFinal));
        }
    }

    private void post(Outcome outcome, QueuedRecipient recipient, @Nullable NextHopAddress via, boolean notified) {
        SpoolId id = outcome.lease.id();
        ForwardPath path = recipient.recipient().path();
        int attempt = outcome.lease.attempts() + (via == null ? 0 : 1);
        RecipientState state = outcome.states.get(recipient.index());
        if (state instanceof RecipientState.Relayed relayed && via != null) {
            delivery.events.post(new RecipientRelayed(outcome.now, id, path, via, relayed.reply(), attempt));
        } else if (state instanceof RecipientState.Deferred deferred && via != null) {
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

    /** Stands in for mail data that is damaged. */
    private enum NoMailData implements MailData {
        INSTANCE;

        @Override
        public long sizeBytes() {
            return 0;
        }

        @Override
        public InputStream open() {
            return InputStream.nullInputStream();
        }
    }
}
