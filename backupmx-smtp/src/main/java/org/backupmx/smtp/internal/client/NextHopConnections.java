package org.backupmx.smtp.internal.client;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.ClientLimits;
import org.backupmx.smtp.ClientTimeouts;
import org.backupmx.smtp.internal.client.RelayConnection.Place;
import org.backupmx.smtp.internal.transport.RunningLoops;

/**
 * The book of all connections and of the attempts that wait for one. An attempt takes a kept connection with the same
 * {@link SessionKey}, else a new one is opened within the limits, else it waits its turn.
 *
 * <p>Thread-safe: one lock guards everything. What concerns a connection or an attempt is posted to an event loop, so
 * nothing of theirs runs under the lock.
 */
final class NextHopConnections {

    private static final class Hop {
        final Address address;
        final Deque<RelayAttempt> waiting = new ArrayDeque<>();
        final Deque<RelayConnection> idle = new ArrayDeque<>();
        int opening;
        int busy;
        /** All that are not closed yet, those that leave included. */
        int open;

        Hop(Address address) {
            this.address = address;
        }
    }

    /** What all sessions with one address share, whatever their settings. */
    private static final class Address {
        int hops;
        int open;
        /** Those that wait until a connection of another one here closes. */
        final Set<SessionKey> wanting = new LinkedHashSet<>();
    }

    private final RunningLoops loops;
    private final ClientTimeouts timeouts;
    private final ClientLimits limits;
    private final SessionSecurity security;

    private final Map<SessionKey, Hop> hops = new HashMap<>();
    private final Map<InetSocketAddress, Address> addresses = new HashMap<>();
    private final Set<RelayConnection> idleOldestFirst = new LinkedHashSet<>();
    private final Set<RelayConnection> live = new LinkedHashSet<>();
    /** Next hops that have attempts waiting for any connection to close. */
    private final Set<SessionKey> wanting = new LinkedHashSet<>();

    private int open;
    private boolean stopping;
    private final CompletableFuture<Void> allClosed = new CompletableFuture<>();

    NextHopConnections(RunningLoops loops, ClientTimeouts timeouts, ClientLimits limits, SessionSecurity security) {
        this.loops = loops;
        this.timeouts = timeouts;
        this.limits = limits;
        this.security = security;
    }

    // ---- attempts

    /** Takes an attempt, unless stopping. */
    synchronized boolean submit(RelayAttempt attempt) {
        if (stopping) {
            return false;
        }
        SessionKey key = attempt.key();
        hop(key).waiting.addLast(attempt);
        serve(key);
        return true;
    }

    /** Takes back an attempt whose kept connection was dead, before all others; other kept ones are as old and go. */
    synchronized void restart(RelayAttempt attempt, RelayConnection dead) {
        List.copyOf(hop(dead.key()).idle).forEach(this::leave);
        elsewhere(attempt, dead);
    }

    /** Takes back an attempt that must go on with another connection, before all others. */
    synchronized void elsewhere(RelayAttempt attempt, RelayConnection spent) {
        SessionKey key = spent.key();
        Hop hop = hop(key);
        leave(spent);
        if (stopping) {
            refuse(attempt, DialogueFault.stopped());
        } else {
            hop.waiting.addFirst(attempt);
            serve(key);
        }
    }

    private void serve(SessionKey key) {
        Hop hop = hops.get(key);
        if (hop == null) {
            return;
        }
        while (!hop.waiting.isEmpty() && !hop.idle.isEmpty()) {
            RelayConnection latest = hop.idle.getLast();
            vacate(latest, hop);
            hand(latest, hop);
        }
        while (hop.opening < hop.waiting.size()) {
            if (hop.address.open >= limits.connectionsPerNextHop()) {
                makeRoom(key, hop);
                return;
            }
            if (open >= limits.connections()) {
                wanting.add(key);
                idleOldestFirst.stream().findFirst().ifPresent(this::leave);
                return;
            }
            connect(key, hop);
        }
    }

    /** Waits for connections with other settings to the same address; its own are handed on anyway. */
    private void makeRoom(SessionKey key, Hop hop) {
        if (hop.open < hop.address.open) {
            hop.address.wanting.add(key);
            idleOldestFirst.stream()
                    .filter(idle -> idle.key().address().equals(key.address()))
                    .findFirst()
                    .ifPresent(this::leave);
        }
    }

    private void hand(RelayConnection connection, Hop hop) {
        connection.place = Place.BUSY;
        hop.busy++;
        RelayAttempt attempt = hop.waiting.removeFirst();
        connection.loop().execute(() -> attempt.run(connection));
    }

    private void connect(SessionKey key, Hop hop) {
        RelayConnection connection = new RelayConnection(key, loops.next(), loops.transport(), timeouts);
        hop.opening++;
        hop.open++;
        hop.address.open++;
        open++;
        live.add(connection);
        connection.dialogue().bound(timeouts.attempt());
        SessionSetup setup = new SessionSetup(
                connection,
                security,
                connection::secured,
                () -> opened(connection),
                fault -> notOpened(connection, fault));
        connection
                .loop()
                .execute(() -> connection.open(
                        ProbeDepth.EHLO,
                        timeouts.connect(),
                        setup::begin,
                        fault -> notOpened(connection, fault),
                        () -> closed(connection)));
    }

    private void refuse(RelayAttempt attempt, DialogueFault fault) {
        loops.next().execute(() -> attempt.noSession(fault));
    }

    // ---- what connections report, each on its event loop

    private synchronized void opened(RelayConnection connection) {
        keep(connection);
    }

    private synchronized void notOpened(RelayConnection connection, DialogueFault fault) {
        if (connection.place != Place.OPENING) {
            return;
        }
        Hop hop = hop(connection.key());
        vacate(connection, hop);
        connection.place = Place.LEAVING;
        if (isWorthClearText(connection, fault)) {
            return; // those who wait are served when it has closed
        }
        // While others serve this next hop only one attempt takes the blame; else nobody would ever serve the rest.
        int refused = hop.opening + hop.busy + hop.idle.size() > 0 ? 1 : hop.waiting.size();
        for (int i = 0; i < refused && !hop.waiting.isEmpty(); i++) {
            refuse(hop.waiting.removeFirst(), fault);
        }
    }

    /** Takes note of an opportunity for TLS that came to nothing; a connection that was in clear text did not fail at it. */
    private boolean isWorthClearText(RelayConnection connection, DialogueFault fault) {
        boolean broke = fault.kind() == DialogueFault.Kind.NO_TLS
                && connection.key().settings().tls() instanceof TlsPolicy.May;
        if (broke) {
            security.broken().note(BrokenOffers.Offer.STARTTLS, connection.key().address(), connection.now());
        }
        return broke && !stopping;
    }

    /** Takes a connection back whose attempt has ended. */
    synchronized void release(RelayConnection connection) {
        if (connection.place == Place.BUSY) {
            keep(connection);
        }
    }

    private void keep(RelayConnection connection) {
        Hop hop = hop(connection.key());
        boolean spent = connection.dialogue().isEnded()
                || connection.isWornOut()
                || connection.isUsedUp()
                || connection.messages() >= limits.messagesPerConnection()
                || connection.age().compareTo(limits.connectionAge()) >= 0;
        boolean wanted = !wanting.isEmpty() || !hop.address.wanting.isEmpty();
        if (stopping || spent || hop.waiting.isEmpty() && wanted) {
            leave(connection);
            return;
        }
        vacate(connection, hop);
        if (!hop.waiting.isEmpty()) {
            hand(connection, hop);
            return;
        }
        connection.place = Place.IDLE;
        hop.idle.addLast(connection);
        idleOldestFirst.add(connection);
        connection.loop().execute(() -> connection.park(limits.idle(), () -> idledOut(connection)));
    }

    private synchronized void idledOut(RelayConnection connection) {
        if (connection.place == Place.IDLE) {
            leave(connection);
        }
    }

    private synchronized void closed(RelayConnection connection) {
        live.remove(connection);
        if (connection.place != Place.APART) {
            SessionKey key = connection.key();
            Hop hop = hop(key);
            vacate(connection, hop);
            connection.place = Place.LEAVING;
            hop.open--;
            hop.address.open--;
            open--;
            wanting.addAll(hop.address.wanting);
            hop.address.wanting.clear();
            if (!hop.waiting.isEmpty()) {
                wanting.add(key);
            } else if (hop.open == 0) {
                forget(key, hop);
            }
            for (SessionKey next : List.copyOf(wanting)) {
                if (open >= limits.connections()) {
                    break;
                }
                wanting.remove(next);
                serve(next);
            }
        }
        completeIfAllClosed();
    }

    private Hop hop(SessionKey key) {
        return hops.computeIfAbsent(key, k -> {
            Address address = addresses.computeIfAbsent(k.address(), a -> new Address());
            address.hops++;
            return new Hop(address);
        });
    }

    private void forget(SessionKey key, Hop hop) {
        hops.remove(key);
        if (--hop.address.hops == 0) {
            addresses.remove(key.address());
        }
    }

    private void leave(RelayConnection connection) {
        vacate(connection, hop(connection.key()));
        connection.place = Place.LEAVING;
        connection.loop().execute(connection::quit);
    }

    /** Takes a connection from its place, ahead of another. */
    private void vacate(RelayConnection connection, Hop hop) {
        switch (connection.place) {
            case OPENING -> hop.opening--;
            case BUSY -> hop.busy--;
            case IDLE -> {
                hop.idle.remove(connection);
                idleOldestFirst.remove(connection);
            }
            case LEAVING, APART -> {}
        }
    }

    // ---- probes and the end

    /** Enters the connection of a probe, which is nobody else's and under no limit but its timeout, unless stopping. */
    synchronized boolean enter(RelayConnection connection) {
        if (stopping) {
            return false;
        }
        connection.place = Place.APART;
        live.add(connection);
        return true;
    }

    void left(RelayConnection connection) {
        closed(connection);
    }

    /** Refuses all that waits and what is to come, and says farewell to kept connections. */
    synchronized CompletableFuture<Void> stop() {
        if (!stopping) {
            stopping = true;
            wanting.clear();
            for (Hop hop : hops.values()) {
                hop.waiting.forEach(attempt -> refuse(attempt, DialogueFault.stopped()));
                hop.waiting.clear();
            }
            List.copyOf(idleOldestFirst).forEach(this::leave);
            completeIfAllClosed();
        }
        return allClosed;
    }

    /** Breaks every connection off. */
    synchronized void abort() {
        live.forEach(connection -> connection.loop().execute(connection::abort));
    }

    private void completeIfAllClosed() {
        if (stopping && live.isEmpty()) {
            loops.next().execute(() -> allClosed.complete(null));
        }
    }
}
