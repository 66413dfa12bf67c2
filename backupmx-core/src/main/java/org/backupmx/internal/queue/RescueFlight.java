package org.backupmx.internal.queue;

import java.util.List;
import java.util.Set;
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

/**
 * One message on its way to the rescue hosts, from its lease to its settlement. As a {@link Flight}, but nothing of it is told
 * to whoever watches the primary.
 */
final class RescueFlight implements Attempt.Ending {

    private static final SmtpReply THE_PRIMARY = SmtpReply.of(451, "4.4.4", "The rescue hosts are the primary itself");

    private final Delivery delivery;
    private final Settler settler;
    private final DomainLane lane;
    private final LaneExpiry expiry;
    private final HeldLease held;
    private final List<QueuedRecipient> recipients;
    private final Landing landing;
    private @Nullable RescueHost host; // set before the attempt starts

    RescueFlight(Delivery delivery, Settler settler, DomainLane lane, LaneExpiry expiry, HeldLease held) {
        this.delivery = delivery;
        this.settler = settler;
        this.lane = lane;
        this.expiry = expiry;
        this.held = held;
        this.landing = new Landing(delivery, lane, held);
        this.recipients = RescueMark.recipients(held.lease());
    }

    /** Attempts the message, with a permit of the hosts' and one of all. */
    void attempt(RescueHosts hosts, RescueHost of) {
        host = of;
        landing.begins(of.permits());
        landing.contained(() -> delivery.routes
                .asWritten(new Destination(lane.domain(), true, hosts.nextHops(), true))
                .whenCompleteAsync(
                        (route, fault) -> landing.contained(() -> found(route)), delivery.runtime.workers()));
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
        landing.contained(
                () -> settler.rescued(held, null, all(new RecipientOutcome.PermanentFailure(reply)), expiry, landing));
    }

    private List<RecipientOutcome> all(RecipientOutcome outcome) {
        return recipients.stream().map(recipient -> outcome).toList();
    }

    private void deferred(@Nullable NextHopAddress address, SmtpReply reply) {
        // a 5yz at the door is about the host, not about the message
        SmtpReply transientReply =
                reply.isTransient() ? reply : SmtpReply.of(451, "4.3.0", "Rescue host refused the session: " + reply);
        settler.rescued(held, address, all(new RecipientOutcome.TransientFailure(transientReply)), expiry, landing);
    }

    private void unreachable(@Nullable NextHopAddress address, SmtpReply reply) {
        RescueHost of = host;
        if (of != null) {
            of.unreachable();
        }
        landing.answered(DrainPace.Answer.UNREACHABLE);
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
        landing.contained(() -> {
            boolean isDeferred = outcomes.stream().allMatch(RecipientOutcome.TransientFailure.class::isInstance);
            if (lane.isStopping() && isDeferred) {
                landing.unused(); // cut short by us
                return;
            }
            if (outcomes.stream().anyMatch(RecipientOutcome.Relayed.class::isInstance)) {
                landing.answered(DrainPace.Answer.TAKEN);
            } else if (outcomes.stream().allMatch(LanePrimary::isAboutTheHost)) {
                landing.answered(DrainPace.Answer.BUSY);
            }
            settler.rescued(held, address, outcomes, expiry, landing);
        });
    }

    @Override
    public void noSession(NextHopAddress address, SmtpReply reply) {
        landing.contained(() -> {
            if (lane.isStopping()) {
                landing.unused();
            } else {
                unreachable(address, reply);
            }
        });
    }

    @Override
    public void unable(NextHopAddress address, SmtpReply reply) {
        landing.contained(() -> {
            if (lane.isStopping()) {
                landing.unused();
            } else {
                deferred(address, reply);
            }
        });
    }

    @Override
    public void faulted(NextHopAddress address, Throwable fault) {
        landing.faulted(fault, () -> deferred(address, Landing.OUR_FAULT));
    }
}
