package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLease;

/** One message on its way out of a lane, from its lease to its {@link Landing}. */
final class Flight implements Attempt.Ending {

    /** How long a message waits after the primary had enough of others. */
    private static final Duration ENOUGH = Duration.ofSeconds(10);

    /** The settings were others when it was accepted, or an operator has put another host in the primary's place. */
    private static final SmtpReply NOT_SAFE =
            SmtpReply.of(451, "4.7.30", "The message needs REQUIRETLS, and the way is not authenticated now");

    private final Delivery delivery;
    private final Settler settler;
    private final DomainLane lane;
    private final LanePrimary primary;
    private final LaneExpiry expiry;
    private final HeldLease held;
    private final Landing landing;
    private List<QueuedRecipient> recipients; // who is attempted

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
        this.landing = new Landing(delivery, lane, held);
    }

    /**
     * Attempts the message at these addresses of a way, with a permit of the primary's and one of all. Meanwhile the lane may
     * know of another way already, whose settings are not for these addresses.
     */
    void attempt(DomainRoute.Known way, List<NextHopAddress> addresses, PrimaryPermits of) {
        landing.begins(of);
        landing.contained(() -> {
            Optional<SpoolLease> attempted = settler.toAttempt(held.lease());
            if (attempted.isEmpty()) {
                settler.waiting(held, expiry, landing);
                return;
            }
            recipients = attempted.get().recipients();
            if (held.lease().message().envelope().requireTls() && !way.isAuthenticated()) {
                settler.deferred(held, null, recipients, NOT_SAFE, expiry, landing);
                return;
            }
            new Attempt(delivery, addresses, way.relaySettings(), attempted.get(), this).start();
        });
    }

    /** Expires the message without an attempt. */
    void expire() {
        landing.contained(() -> settler.expired(held, expiry, landing));
    }

    /** Tells, without an attempt, that the message is late; it is due again at an instant. */
    void late(Instant due) {
        landing.contained(() -> settler.late(held, due, expiry, landing));
    }

    /** Fails the message without an attempt. */
    void fail(SmtpReply reply) {
        landing.contained(() -> settler.failed(held, reply, expiry, landing));
    }

    /** Keeps the message without an attempt, for the next one. */
    void keep(SmtpReply reply) {
        SmtpReply noWay = SmtpReply.of(451, "4.4.4", "No way to the domain now: " + reply);
        landing.contained(() -> settler.deferred(held, null, recipients, noWay, expiry, landing));
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
        landing.contained(() -> {
            if (lane.isStopping() && outcomes.stream().allMatch(RecipientOutcome.TransientFailure.class::isInstance)) {
                landing.unused(); // cut short by us
                return;
            }
            boolean isOverrun = primary.permits().isOverrun();
            DrainPace.Answer answer = primary.attempted(outcomes);
            if (!isOverrun || answer != DrainPace.Answer.BUSY) {
                landing.answered(answer);
            } else if (!delivery.busyForItself.is(held.id())) {
                landing.answered(answer);
                again();
                return;
            }
            settler.attempted(held, address, recipients, primary.judged(recipients, outcomes), expiry, landing);
        });
    }

    @Override
    public void noSession(NextHopAddress address, SmtpReply reply) {
        landing.contained(() -> {
            if (lane.isStopping()) {
                landing.unused();
                return;
            }
            boolean isOverrun = primary.permits().isOverrun();
            DrainPace.Answer answer = primary.noSession(reply);
            landing.answered(answer);
            if (isOverrun && answer == DrainPace.Answer.BUSY && reply.isTransient()) {
                again();
                return;
            }
            settler.deferred(held, address, recipients, reply, expiry, landing);
        });
    }

    @Override
    public List<NextHopAddress> othersLike(NextHopAddress address) {
        return lane.isStopping() ? List.of() : lane.equalsOf(address);
    }

    @Override
    public void unable(NextHopAddress address, SmtpReply reply) {
        landing.contained(() -> {
            if (lane.isStopping()) {
                landing.unused();
            } else {
                settler.deferred(held, address, recipients, reply, expiry, landing); // the primary is not to blame
            }
        });
    }

    @Override
    public void faulted(NextHopAddress address, Throwable fault) {
        landing.faulted(fault, () -> settler.deferred(held, address, recipients, Landing.OUR_FAULT, expiry, landing));
    }

    /** The primary takes mail and has had enough for the moment: that is no attempt of this message. */
    private void again() {
        Instant now = delivery.runtime.now();
        delivery.keeper.settle(held, Settlement.unused(now, now.plus(ENOUGH)));
        landing.settled(true);
    }
}
