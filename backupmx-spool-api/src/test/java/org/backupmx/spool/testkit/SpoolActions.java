package org.backupmx.spool.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;

/** What tests do with a spool, each in one call that waits for its end. */
public final class SpoolActions {

    /** The instant at which the kit's histories begin. */
    public static final Instant START = Instant.parse("2026-03-01T12:00:00.123Z");

    /** How long the kit's leases last unless a test says otherwise. */
    public static final Duration LEASE = Duration.ofMinutes(5);

    private static final long PATIENCE_SECONDS = 30;

    private SpoolActions() {}

    /**
     * Stores and commits a message.
     *
     * @param spool where
     * @param envelope its envelope
     * @param receivedAt when it was received
     * @param mailData its mail data
     * @return its identity
     * @throws SpoolException if that fails
     */
    public static SpoolId store(Spool spool, Envelope envelope, Instant receivedAt, byte[] mailData)
            throws SpoolException {
        try (SpoolWriter writer = spool.begin(envelope, receivedAt)) {
            writer.write(ByteBuffer.wrap(mailData));
            return await(writer.commit());
        }
    }

    /**
     * Stores and commits a small message received at {@link #START}.
     *
     * @param spool where
     * @param recipients its recipients
     * @return its identity
     * @throws SpoolException if that fails
     */
    public static SpoolId store(Spool spool, String... recipients) throws SpoolException {
        return store(spool, Envelopes.to(recipients), START, octets(100, 1));
    }

    /**
     * Waits for a commit.
     *
     * @param commit the stage
     * @return the identity
     * @throws SpoolException if the commit failed with it
     */
    public static SpoolId await(CompletionStage<SpoolId> commit) throws SpoolException {
        try {
            return commit.toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SpoolException fault) {
                throw fault;
            }
            throw new AssertionError("a commit fails with a SpoolException only", e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError("commit did not end within " + PATIENCE_SECONDS + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /**
     * Leases everything that is due in a lane, for {@link #LEASE}.
     *
     * @param spool the spool
     * @param domain the lane
     * @param now the caller's time; what is due by then is leased
     * @return the leases
     * @throws SpoolException if that fails
     */
    public static List<SpoolLease> lease(Spool spool, String domain, Instant now) throws SpoolException {
        return spool.lease(new LeaseRequest(MailDomain.of(domain), now, now, now.plus(LEASE), 10_000));
    }

    /**
     * Returns the request for everything in a lane, whenever it is due, for {@link #LEASE}.
     *
     * @param domain the lane
     * @param now the caller's time
     * @return the request
     */
    public static LeaseRequest everything(String domain, Instant now) {
        return new LeaseRequest(MailDomain.of(domain), now, Instant.MAX, now.plus(LEASE), 10_000);
    }

    /**
     * Leases the one message that is due in a lane.
     *
     * @param spool the spool
     * @param domain the lane
     * @param now the caller's time
     * @return the lease
     * @throws SpoolException if that fails
     */
    public static SpoolLease leaseOne(Spool spool, String domain, Instant now) throws SpoolException {
        List<SpoolLease> leases = lease(spool, domain, now);
        if (leases.size() != 1) {
            throw new AssertionError("leases: " + leases + " (expected: one in lane " + domain + " at " + now + ")");
        }
        return leases.get(0);
    }

    /**
     * Returns the settlement that relays every recipient of a lease.
     *
     * @param lease the lease
     * @param at the caller's time
     * @return the settlement
     */
    public static Settlement relayed(SpoolLease lease, Instant at) {
        return Settlement.attempted(at, each(lease, new RecipientState.Relayed(ok(), at)), at);
    }

    /**
     * Returns the settlement that defers every recipient of a lease.
     *
     * @param lease the lease
     * @param at the caller's time
     * @param nextDue when they are due again
     * @return the settlement
     */
    public static Settlement deferred(SpoolLease lease, Instant at, Instant nextDue) {
        return Settlement.attempted(at, each(lease, new RecipientState.Deferred(later(), at)), nextDue);
    }

    private static Map<Integer, RecipientState> each(SpoolLease lease, RecipientState state) {
        Map<Integer, RecipientState> states = new HashMap<>();
        lease.recipients().forEach(recipient -> states.put(recipient.index(), state));
        return states;
    }

    /**
     * Returns a reply that takes responsibility.
     *
     * @return 250
     */
    public static SmtpReply ok() {
        return SmtpReply.of(250, "2.0.0", "Ok");
    }

    /**
     * Returns a transient failure.
     *
     * @return 451
     */
    public static SmtpReply later() {
        return SmtpReply.of(451, "4.3.2", "Later");
    }

    /**
     * Returns a permanent failure.
     *
     * @return 550
     */
    public static SmtpReply never() {
        return SmtpReply.of(550, "5.1.1", "No such user");
    }

    /**
     * Reads a message's mail data to its end.
     *
     * @param spool the spool
     * @param id the message
     * @return its octets
     * @throws IOException if that fails
     */
    public static byte[] read(Spool spool, SpoolId id) throws IOException {
        try (InputStream in = spool.read(id)) {
            return in.readAllBytes();
        }
    }

    /**
     * Returns every intact message that a scan visits.
     *
     * @param spool the spool
     * @return the messages in the order of the visit
     * @throws SpoolException if that fails
     */
    public static List<QueuedMessage> scan(Spool spool) throws SpoolException {
        List<QueuedMessage> found = new ArrayList<>();
        spool.scan(entry -> {
            if (entry instanceof SpoolEntry.Intact intact) {
                found.add(intact.message());
            } else {
                throw new AssertionError("damaged without reason: " + entry);
            }
        });
        return found;
    }

    /**
     * Returns the message of an identity as a scan sees it.
     *
     * @param spool the spool
     * @param id the message
     * @return the message
     * @throws SpoolException if that fails
     */
    public static QueuedMessage queued(Spool spool, SpoolId id) throws SpoolException {
        return scan(spool).stream()
                .filter(message -> message.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new AssertionError(id + " is not queued"));
    }

    /**
     * Returns the positions of a lease's recipients.
     *
     * @param lease the lease
     * @return their indexes in the lease's order
     */
    public static List<Integer> indexes(SpoolLease lease) {
        return lease.recipients().stream().map(QueuedRecipient::index).toList();
    }

    /**
     * Returns octets of every value, without pattern that a storage could hide in.
     *
     * @param count how many
     * @param seed tells one sequence from another
     * @return the octets, the same for the same arguments
     */
    public static byte[] octets(int count, long seed) {
        byte[] octets = new byte[count];
        new SplittableRandom(seed).nextBytes(octets);
        return octets;
    }
}
