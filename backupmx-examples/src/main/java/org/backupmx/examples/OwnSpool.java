package org.backupmx.examples;

import java.io.*;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.Consumer;
import org.backupmx.mail.*;
import org.backupmx.spool.*;
import org.h2.mvstore.*;

/** A spool of one's own, on the key-value store of H2. Whole messages pass through memory; a commit is a force. */
public final class OwnSpool implements Spool {
    private final MVStore store;
    private final MVMap<String, byte[]> states;
    private final MVMap<String, byte[]> mailData;
    private final Map<SpoolId, QueuedMessage> messages = new TreeMap<>();
    private final Map<String, SpoolLease> leases = new HashMap<>(); // by message and lane
    private long last = UUID.randomUUID().getLeastSignificantBits(); // the last lease's token

    /** Opens the spool in a file, which is made if there is none; one spool at a time may use it. */
    public OwnSpool(Path file) throws SpoolException {
        store = MVStore.open(file.toString());
        store.setAutoCommitDelay(0); // we say when
        states = store.openMap("states");
        mailData = store.openMap("mail data");
        for (Map.Entry<String, byte[]> state : states.entrySet()) {
            messages.put(new SpoolId(state.getKey()), QueuedMessageFormat.decode(state.getValue()));
        }
    }

    private void checkOpen() throws SpoolException {
        if (store.isClosed()) {
            throw new SpoolUnavailableException("the spool is closed");
        }
    }

    @Override
    public synchronized SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
        checkOpen();
        SpoolId id = new SpoolId(UUID.randomUUID().toString());
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        return new SpoolWriter() {
            private boolean done;

            @Override
            public SpoolId id() {
                return id;
            }

            @Override
            public void write(ByteBuffer more) {
                check();
                while (more.hasRemaining()) {
                    octets.write(more.get());
                }
            }

            @Override
            public CompletionStage<SpoolId> commit() throws SpoolException {
                check();
                done = true;
                synchronized (OwnSpool.this) {
                    checkOpen();
                    messages.put(id, QueuedMessage.of(new SpooledMessage(id, envelope, receivedAt, octets.size())));
                    mailData.put(id.value(), octets.toByteArray());
                    states.put(id.value(), QueuedMessageFormat.encode(messages.get(id)));
                    store.commit();
                    store.sync();
                }
                return CompletableFuture.completedFuture(id);
            }

            private void check() {
                if (done) {
                    throw new IllegalStateException("message " + id + " is committed or abandoned");
                }
            }

            @Override
            public void close() {
                done = true;
            }
        };
    }

    @Override
    public synchronized List<SpoolLane> lanes() throws SpoolException {
        checkOpen();
        Map<MailDomain, SpoolLane> lanes = new HashMap<>();
        for (QueuedMessage q : messages.values()) {
            for (MessageLane l : q.lanes()) {
                SpoolLane one = new SpoolLane(
                        l.domain(), 1, 0, q.message().sizeBytes(), q.message().receivedAt());
                lanes.merge(l.domain(), one, SpoolLane::plus);
            }
        }
        return List.copyOf(lanes.values());
    }

    /** The messages of a lane as leases, the current one where there is one, earliest due first. */
    private List<SpoolLease> lane(MailDomain domain) throws SpoolException {
        checkOpen();
        List<SpoolLease> found = new ArrayList<>();
        for (QueuedMessage q : messages.values()) {
            for (MessageLane l : q.lanes()) {
                if (l.domain().equals(domain)) {
                    SpooledMessage m = q.message();
                    SpoolLease it = new SpoolLease(m, domain, l.recipients(), l.attempts(), l.due(), Instant.MIN, 0);
                    found.add(leases.getOrDefault(m.id() + " " + domain, it));
                }
            }
        }
        found.sort(Comparator.comparing(SpoolLease::due));
        return found;
    }

    @Override
    public synchronized Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
        return lane(domain).stream()
                .map(lease -> lease.until().isAfter(lease.due()) ? lease.until() : lease.due())
                .min(Comparator.naturalOrder());
    }

    @Override
    public synchronized List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
        return lane(request.domain()).stream()
                .filter(l -> !l.until().isAfter(request.now()) && !l.due().isAfter(request.dueBy()))
                .limit(request.limit())
                .map(l -> lease(l, request.until()))
                .toList();
    }

    private SpoolLease lease(SpoolLease l, Instant until) {
        SpoolLease given = l.renewed(until, ++last);
        leases.put(l.id() + " " + l.domain(), given);
        return given;
    }

    @Override
    public synchronized SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
        queued(lease, now);
        return lease(lease, until);
    }

    private QueuedMessage queued(SpoolLease lease, Instant now) throws SpoolException {
        checkOpen();
        SpoolLease given = leases.get(lease.id() + " " + lease.domain());
        if (given == null || given.token() != lease.token() || !given.until().isAfter(now)) {
            throw new SpoolLeaseLostException("the lease of " + lease.id() + " until " + lease.until() + " is lost");
        }
        return Objects.requireNonNull(messages.get(lease.id()));
    }

    @Override
    public synchronized InputStream read(SpoolId id) throws SpoolException {
        checkOpen();
        byte[] octets = mailData.get(id.value());
        if (octets == null) {
            throw new SpoolException("message " + id + " is not queued");
        }
        return new ByteArrayInputStream(octets);
    }

    @Override
    public synchronized void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
        QueuedMessage settled = queued(lease, settlement.at()).settled(lease.domain(), settlement);
        if (settled.lanes().isEmpty()) {
            messages.remove(lease.id());
            states.remove(lease.id().value());
            mailData.remove(lease.id().value());
        } else {
            messages.put(lease.id(), settled);
            states.put(lease.id().value(), QueuedMessageFormat.encode(settled));
        }
        store.commit(); // durable with the next force, which is soon enough for an outcome
        leases.remove(lease.id() + " " + lease.domain());
    }

    @Override
    public synchronized void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        checkOpen();
        List.copyOf(messages.values()).forEach(message -> visitor.accept(new SpoolEntry.Intact(message)));
    }

    @Override
    public SpoolHealth health() {
        return store.isClosed() ? SpoolHealth.refusing("the spool is closed") : SpoolHealth.accepting();
    }

    @Override
    public synchronized void close() {
        store.close();
    }
}
