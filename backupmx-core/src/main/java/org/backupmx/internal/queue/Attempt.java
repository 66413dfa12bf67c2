package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.MailData;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of one message: address after address until one begins a mail transaction; whom that defers, one other host of
 * the same preference is asked for as well.
 */
final class Attempt {

    /** Gets the end of an attempt, on a worker: exactly one of these calls, after any number of skipped addresses. */
    interface Ending {
        /** No session at this address; the next one is tried. */
        void skipped(NextHopAddress address, SmtpReply reply);

        /** Returns the addresses of hosts that are as good as one whose transient failures need not be the last word. */
        List<NextHopAddress> othersLike(NextHopAddress address);

        /** What the next hop said of itself, in a session that is new: before the outcomes of it. */
        void said(PrimaryCapabilities capabilities);

        /** A mail transaction was begun and had an outcome for each recipient; the address is the last one asked. */
        void attempted(NextHopAddress address, List<RecipientOutcome> outcomes);

        /** No address gave a session; these are the last address and its reply. */
        void noSession(NextHopAddress address, SmtpReply reply);

        /** We had no means to try any address; this is the last, and the reply of ours that says why. */
        void unable(NextHopAddress address, SmtpReply reply);

        /** We failed, not the next hop. */
        void faulted(NextHopAddress address, Throwable fault);
    }

    private final Delivery delivery;
    private final List<NextHopAddress> addresses;
    private final RelaySettings settings;
    private final SpoolLease lease;
    private final MailData mailData;
    private final Ending ending;
    private @Nullable Failure lastFailure; // passed on from address to address

    /** An address that gave no session. */
    private record Failure(NextHopAddress address, SmtpReply reply) {}

    /** Makes an attempt, on a worker: a small message is read now. */
    Attempt(
            Delivery delivery,
            List<NextHopAddress> addresses,
            RelaySettings settings,
            SpoolLease lease,
            Ending ending) {
        this.delivery = delivery;
        this.addresses = addresses;
        this.settings = settings;
        this.lease = lease;
        this.mailData = tagged(lease, MailDataAhead.of(new SpooledMailData(delivery.spool, lease.message())));
        this.ending = ending;
    }

    /** Those who get a tag are attempted by themselves, so the first of them tells. */
    private static MailData tagged(SpoolLease lease, MailData data) {
        RecipientState first = lease.recipients().get(0).state();
        return TagMark.is(first) ? new TaggedMailData(TagMark.field(first), data) : data;
    }

    void start() {
        tryAddress(0);
    }

    private void tryAddress(int index) {
        relay(addresses.get(index))
                .whenCompleteAsync((result, fault) -> ended(index, result, fault), delivery.runtime.workers());
    }

    private CompletionStage<RelayResult> relay(NextHopAddress address) {
        return relay(address, lease.recipients());
    }

    private CompletionStage<RelayResult> relay(NextHopAddress address, List<QueuedRecipient> recipients) {
        try {
            CompletionStage<RelayResult> result = delivery.client.relay(new RelayRequest(
                    address,
                    delivery.config.hostname(),
                    lease.message().envelope(),
                    recipients.stream().map(QueuedRecipient::recipient).toList(),
                    mailData,
                    settings));
            return requireNonNull(result, "result");
        } catch (RuntimeException | Error e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void ended(int index, @Nullable RelayResult result, @Nullable Throwable fault) {
        NextHopAddress address = addresses.get(index);
        if (result instanceof RelayResult.Attempted attempted) {
            if (attempted.outcomes().size() == lease.recipients().size()) {
                attempted.said().ifPresent(ending::said);
                int next = following(index, RelayResult.About.HOST);
                if (next < addresses.size() && isWithoutRequireTls(attempted.outcomes())) {
                    tryAddress(next); // RFC 8689 section 4.2.1: each host is asked
                } else {
                    attempted(address, attempted.outcomes());
                }
            } else {
                ending.faulted(
                        address,
                        new IllegalStateException(
                                "outcomes: " + attempted.outcomes().size() + " (expected: "
                                        + lease.recipients().size() + ")"));
            }
        } else if (result instanceof RelayResult.NoSession none) {
            noSession(index, none);
        } else {
            ending.faulted(address, fault == null ? new IllegalStateException("no result") : fault);
        }
    }

    /** Tells whether nothing was sent since the host does not offer what the message needs. */
    private boolean isWithoutRequireTls(List<RecipientOutcome> outcomes) {
        return lease.message().envelope().requireTls()
                && outcomes.stream().allMatch(outcome -> CapabilityDoubt.Lack.isOfRequireTls(outcome.reply()));
    }

    /** Ends, or asks one other host of the same preference what it makes of the recipients that were deferred. */
    private void attempted(NextHopAddress address, List<RecipientOutcome> outcomes) {
        List<Integer> deferred = IntStream.range(0, outcomes.size())
                .filter(i -> outcomes.get(i) instanceof RecipientOutcome.TransientFailure)
                .boxed()
                .toList();
        List<NextHopAddress> others = deferred.isEmpty() ? List.of() : ending.othersLike(address);
        if (others.isEmpty()) {
            ending.attempted(address, outcomes);
            return;
        }
        NextHopAddress other = others.get(0);
        relay(other, deferred.stream().map(lease.recipients()::get).toList())
                .whenCompleteAsync(
                        (result, fault) -> {
                            if (result instanceof RelayResult.Attempted again
                                    && again.outcomes().size() == deferred.size()) {
                                List<RecipientOutcome> all = new ArrayList<>(outcomes);
                                for (int i = 0; i < deferred.size(); i++) {
                                    all.set(deferred.get(i), again.outcomes().get(i));
                                }
                                ending.attempted(other, all);
                            } else {
                                ending.attempted(address, outcomes); // what the first host said stands
                            }
                        },
                        delivery.runtime.workers());
    }

    private void noSession(int index, RelayResult.NoSession none) {
        NextHopAddress address = addresses.get(index);
        if (none.about() != RelayResult.About.OURSELVES) {
            lastFailure = new Failure(address, none.reply());
            ending.skipped(address, none.reply());
        }
        int next = following(index, none.about());
        Failure last = lastFailure;
        if (next < addresses.size()) {
            tryAddress(next);
        } else if (last != null) {
            ending.noSession(last.address(), last.reply());
        } else {
            ending.unable(address, none.reply());
        }
    }

    /** Returns the next address that is worth a try. */
    private int following(int index, RelayResult.About about) {
        int next = index + 1;
        while (about == RelayResult.About.HOST
                && next < addresses.size()
                && addresses.get(next).nextHop().equals(addresses.get(index).nextHop())) {
            next++;
        }
        return next;
    }
}
