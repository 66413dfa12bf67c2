package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One message on its way out of a lane, from its lease to its settlement. Whatever is thrown on the way, it ends, and
 * once: the lease is over, its permit is given back, the lane is told.
 */
final class Flight implements Attempt.Ending, Settler.Done {

    private static final Logger LOG = LoggerFactory.getLogger(Flight.class);

    /** How long a message waits after the primary had enough of others. */
    private static final Duration ENOUGH = Duration.ofSeconds(10);

    private static final SmtpReply OUR_FAULT = SmtpReply.of(451, "4.3.0", "Local fault during the attempt");

    /** The settings were others when it was accepted, or an operator has put another host in the primary's place. */
    private static final SmtpReply NOT_SAFE =
            SmtpReply.of(451, "4.7.30", "The message needs REQUIRETLS, and the way is not authenticated now");

    private final Delivery delivery;
    private final Settler settler;
    private final DomainLane lane;
    private final LanePrimary primary;
    private final LaneExpiry expiry;
    private final HeldLease held;
    private final AtomicBoolean over = new AtomicBoolean();
    private List<QueuedRecipient> recipients; // who is attempted
    private @Nullable PrimaryPermits permits; // what this attempt's permit is of; set before it starts
    private long began;
    private volatile DrainPace.Answer answer = DrainPace.Answer.OTHER;

    Flight(
            Delivery delivery,
            Settler settler,
            DomainLane lane,
            LanePrimary primary,
            LaneExpiry expiry,
            HeldLease held) {
        this.delivery = delivery;
        this.settler = settler;
        this.lane = lane;
        this.primary = primary;
        this.expiry = expiry;
        this.recipients = held.lease().recipients();
        this.held = held;
    }

    /** Attempts the message at these addresses, with a permit of the primary's and one of all. */
    void attempt(List<NextHopAddress> addresses, PrimaryPermits of) {
        permits = of;
        began = of.begins(held.lease().message().sizeBytes());
        contained(() -> {
            Optional<SpoolLease> attempted = settler.toAttempt(held.lease());
            if (attempted.isEmpty()) {
                settler.waiting(held, expiry, this);
                return;
            }
            recipients = attempted.get().recipients();
            if (held.lease().message().envelope().requireTls() && !lane.isAuthenticated()) {
                settler.deferred(held, null, recipients, NOT_SAFE, expiry, this);
                return;
            }
            new Attempt(delivery, addresses, lane.relaySettings(), attempted.get(), this).start();
        });
    }

    /** Expires the message without an attempt. */
    void expire() {
        contained(() -> settler.expired(held, expiry, this));
    }

    /** Tells, without an attempt, that the message is late; it is due again at an instant. */
    void late(Instant due) {
        contained(() -> settler.late(held, due, expiry, this));
    }

    /** Fails the message without an attempt. */
    void fail(SmtpReply reply) {
        contained(() -> settler.failed(held, reply, expiry, this));
    }

    /** Keeps the message without an attempt, for the next one. */
    void keep(SmtpReply reply) {
        SmtpReply noWay = SmtpReply.of(451, "4.4.4", "No way to the domain now: " + reply);
        contained(() -> settler.deferred(held, null, recipients, noWay, expiry, this));
    }

    @Override
    public void skipped(NextHopAddress address, SmtpReply reply) {
        primary.skipped(address);
    }

    @Override
    public void said(PrimaryCapabilities capabilities) {
        primary.said(capabilities);
    }

    @Override
    public void attempted(NextHopAddress address, List<RecipientOutcome> outcomes) {
        contained(() -> {
            if (lane.isStopping() && outcomes.stream().allMatch(RecipientOutcome.TransientFailure.class::isInstance)) {
                unused(); // cut short by us
                return;
            }
            boolean isOverrun = primary.permits().isOverrun();
            answer = primary.attempted(outcomes);
            if (isOverrun && answer == DrainPace.Answer.BUSY) {
                again();
                return;
            }
            settler.attempted(held, address, recipients, primary.judged(recipients, outcomes), expiry, this);
        });
    }

    @Override
    public void noSession(NextHopAddress address, SmtpReply reply) {
        contained(() -> {
            if (lane.isStopping()) {
                unused();
                return;
            }
            boolean isOverrun = primary.permits().isOverrun();
            answer = primary.noSession(reply);
            if (isOverrun && answer == DrainPace.Answer.BUSY && reply.isTransient()) {
                again();
                return;
            }
            settler.deferred(held, address, recipients, reply, expiry, this);
        });
    }

    @Override
    public List<NextHopAddress> othersLike(NextHopAddress address) {
        return lane.isStopping() ? List.of() : lane.equalsOf(address);
    }

    @Override
    public void unable(NextHopAddress address, SmtpReply reply) {
        contained(() -> {
            if (lane.isStopping()) {
                unused();
            } else {
                settler.deferred(held, address, recipients, reply, expiry, this); // the primary is not to blame
            }
        });
    }

    @Override
    public void faulted(NextHopAddress address, Throwable fault) {
        LOG.atError().setCause(fault).addKeyValue("spoolId", held.id()).log("attempt failed by our fault");
        contained(() -> settler.deferred(held, address, recipients, OUR_FAULT, expiry, this));
    }

    /** The primary takes mail and has had enough for the moment: that is no attempt of this message. */
    private void again() {
        Instant now = delivery.runtime.now();
        delivery.keeper.settle(held, Settlement.unused(now, now.plus(ENOUGH)));
        settled(true);
    }

    private void unused() {
        delivery.keeper.release(held);
        settled(true);
    }

    private void contained(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            LOG.atError().setCause(e).addKeyValue("spoolId", held.id()).log("attempt not settled, message kept");
            if (!over.get()) {
                unused();
            }
        }
    }

    @Override
    public void settled(boolean remains) {
        if (over.compareAndSet(false, true)) {
            PrimaryPermits of = permits;
            if (of != null) {
                of.ended(answer, began);
                delivery.permits.release();
            }
            lane.ended(remains);
        }
    }
}
