package org.backupmx.internal.queue;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.Destination;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRoute;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.SpoolLease;
import org.backupmx.undelivered.RescueHosts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One message on its way to the rescue hosts, from its lease to its settlement. As a {@link Flight}, but nothing of it is told
 * to whoever watches the primary.
 */
final class RescueFlight implements Attempt.Ending, Settler.Done {

    private static final Logger LOG = LoggerFactory.getLogger(RescueFlight.class);

    private static final SmtpReply OUR_FAULT = SmtpReply.of(451, "4.3.0", "Local fault during the attempt");
    private static final SmtpReply THE_PRIMARY = SmtpReply.of(451, "4.4.4", "The rescue hosts are the primary itself");

    private final Delivery delivery;
    private final Settler settler;
    private final DomainLane lane;
    private final LaneExpiry expiry;
    private final HeldLease held;
    private final List<QueuedRecipient> recipients;
    private final AtomicBoolean over = new AtomicBoolean();
    private @Nullable RescueHost host; // whose permit this has; set before it starts
    private long began;
    private volatile DrainPace.Answer answer = DrainPace.Answer.OTHER;

    RescueFlight(Delivery delivery, Settler settler, DomainLane lane, LaneExpiry expiry, HeldLease held) {
        this.delivery = delivery;
        this.settler = settler;
        this.lane = lane;
        this.expiry = expiry;
        this.held = held;
        this.recipients = RescueMark.recipients(held.lease());
    }

    /** Attempts the message, with a permit of the hosts' and one of all. */
    void attempt(RescueHosts hosts, RescueHost of) {
        host = of;
        began = of.permits().begins(held.lease().message().sizeBytes());
        contained(() -> delivery.routes
                .asWritten(new Destination(lane.domain(), true, hosts.nextHops(), true))
                .whenCompleteAsync((route, fault) -> contained(() -> found(route)), delivery.runtime.workers()));
    }

    private void found(@Nullable RelayRoute route) {
        if (!(route instanceof RelayRoute.NextHops hops)) {
            String reason = route instanceof RelayRoute.Hold hold
                    ? hold.reason()
                    : route instanceof RelayRoute.Retry retry ? retry.reason() : "look-up failed";
            unreachable(null, SmtpReply.of(451, "4.4.4", "No way to the rescue hosts: " + reason));
            return;
        }
        Set<NextHopAddress> primary = lane.primaryAddresses();
        List<NextHopAddress> addresses = hops.addresses().stream()
                .filter(address -> primary.stream()
                        .noneMatch(other -> other.socketAddress().equals(address.socketAddress())))
                .toList();
        if (addresses.isEmpty()) {
            unreachable(null, THE_PRIMARY);
            return;
        }
        SpoolLease rescued = RescueMark.toRescue(held.lease());
        new Attempt(delivery, addresses, lane.settingsForOthers(), rescued, this).start();
    }

    /** Gives the message up without an attempt. */
    void giveUp(SmtpReply reply) {
        contained(() -> settler.rescued(held, null, all(new RecipientOutcome.PermanentFailure(reply)), expiry, this));
    }

    private List<RecipientOutcome> all(RecipientOutcome outcome) {
        return recipients.stream().map(recipient -> outcome).toList();
    }

    private void deferred(@Nullable NextHopAddress address, SmtpReply reply) {
        // a 5yz at the door is about the host, not about the message
        SmtpReply transientReply =
                reply.isTransient() ? reply : SmtpReply.of(451, "4.3.0", "Rescue host refused the session: " + reply);
        settler.rescued(held, address, all(new RecipientOutcome.TransientFailure(transientReply)), expiry, this);
    }

    private void unreachable(@Nullable NextHopAddress address, SmtpReply reply) {
        RescueHost of = host;
        if (of != null) {
            of.unreachable();
        }
        answer = DrainPace.Answer.UNREACHABLE;
        deferred(address, reply);
    }

    @Override
    public void skipped(NextHopAddress address, SmtpReply reply) {
        // the next address is tried
    }

    @Override
    public List<NextHopAddress> othersLike(NextHopAddress address) {
        return List.of(); // their order is their preference
    }

    @Override
    public void said(PrimaryCapabilities capabilities) {
        // no word about the primary
    }

    @Override
    public void attempted(NextHopAddress address, List<RecipientOutcome> outcomes) {
        contained(() -> {
            boolean isDeferred = outcomes.stream().allMatch(RecipientOutcome.TransientFailure.class::isInstance);
            if (lane.isStopping() && isDeferred) {
                unused(); // cut short by us
                return;
            }
            if (outcomes.stream().anyMatch(RecipientOutcome.Relayed.class::isInstance)) {
                answer = DrainPace.Answer.TAKEN;
            } else if (outcomes.stream().allMatch(LanePrimary::isAboutTheHost)) {
                answer = DrainPace.Answer.BUSY;
            }
            settler.rescued(held, address, outcomes, expiry, this);
        });
    }

    @Override
    public void noSession(NextHopAddress address, SmtpReply reply) {
        contained(() -> {
            if (lane.isStopping()) {
                unused();
            } else {
                unreachable(address, reply);
            }
        });
    }

    @Override
    public void unable(NextHopAddress address, SmtpReply reply) {
        contained(() -> {
            if (lane.isStopping()) {
                unused();
            } else {
                deferred(address, reply);
            }
        });
    }

    @Override
    public void faulted(NextHopAddress address, Throwable fault) {
        LOG.atError().setCause(fault).addKeyValue("spoolId", held.id()).log("attempt failed by our fault");
        contained(() -> deferred(address, OUR_FAULT));
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
            RescueHost of = host;
            if (of != null) {
                of.permits().ended(answer, began);
                delivery.permits.release();
            }
            lane.ended(remains);
        }
    }
}
