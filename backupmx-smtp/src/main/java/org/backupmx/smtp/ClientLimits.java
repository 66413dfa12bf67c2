package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * How many connections a {@link SmtpClient} keeps and how long each serves. Immutable and thread-safe.
 *
 * <p>A connection holds at most two blocks of 64 KiB of mail data and 64 KiB of a reply, so the defaults bound the
 * client to 192 MiB if every next hop is as bad as it can be; with TLS to 300 MiB, for its records and handshakes take up to
 * 110 KiB more.
 */
public final class ClientLimits {

    private static final ClientLimits DEFAULTS =
            new ClientLimits(1_000, 20, 100, Duration.ofMinutes(5), Duration.ofSeconds(30));

    private final int connections;
    private final int connectionsPerNextHop;
    private final int messagesPerConnection;
    private final Duration connectionAge;
    private final Duration idle;

    private ClientLimits(
            int connections,
            int connectionsPerNextHop,
            int messagesPerConnection,
            Duration connectionAge,
            Duration idle) {
        this.connections = connections;
        this.connectionsPerNextHop = connectionsPerNextHop;
        this.messagesPerConnection = messagesPerConnection;
        this.connectionAge = connectionAge;
        this.idle = idle;
    }

    /**
     * Returns the defaults.
     *
     * @return 1,000 connections, 20 of them to one address, each for 100 messages, 5 min, and 30 s of waiting
     */
    public static ClientLimits defaults() {
        return DEFAULTS;
    }

    private static int check(int value, int max, String name) {
        if (value < 1 || value > max) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 to " + max + ")");
        }
        return value;
    }

    private static Duration check(Duration value, String name) {
        requireNonNull(value, name);
        if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(Duration.ofHours(1)) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 ms to 1 h)");
        }
        return value;
    }

    /**
     * Returns these limits with another bound of all connections together. Attempts beyond it wait; probes are apart.
     *
     * @param value the bound, 1 to 65,535; 500 unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientLimits withConnections(int value) {
        return new ClientLimits(
                check(value, 65_535, "connections"), connectionsPerNextHop, messagesPerConnection, connectionAge, idle);
    }

    /**
     * Returns these limits with another bound of the connections to one address. Attempts beyond it wait.
     *
     * @param value the bound, 1 to 1,000; 20 unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientLimits withConnectionsPerNextHop(int value) {
        return new ClientLimits(
                connections, check(value, 1_000, "connectionsPerNextHop"), messagesPerConnection, connectionAge, idle);
    }

    /**
     * Returns these limits with another number of messages after which a connection is closed.
     *
     * @param value the number, 1 to 100,000; 100 unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientLimits withMessagesPerConnection(int value) {
        return new ClientLimits(
                connections,
                connectionsPerNextHop,
                check(value, 100_000, "messagesPerConnection"),
                connectionAge,
                idle);
    }

    /**
     * Returns these limits with another age at which a connection takes no further message.
     *
     * @param value the age, 1 ms to 1 h; 5 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientLimits withConnectionAge(Duration value) {
        return new ClientLimits(
                connections, connectionsPerNextHop, messagesPerConnection, check(value, "connectionAge"), idle);
    }

    /**
     * Returns these limits with another time that an unused connection is kept open.
     *
     * @param value the time, 1 ms to 1 h; 30 s unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientLimits withIdle(Duration value) {
        return new ClientLimits(
                connections, connectionsPerNextHop, messagesPerConnection, connectionAge, check(value, "idle"));
    }

    /**
     * Returns the bound of all connections together.
     *
     * @return 500 unless set
     */
    public int connections() {
        return connections;
    }

    /**
     * Returns the bound of the connections to one address.
     *
     * @return 20 unless set
     */
    public int connectionsPerNextHop() {
        return connectionsPerNextHop;
    }

    /**
     * Returns the number of messages after which a connection is closed.
     *
     * @return 100 unless set
     */
    public int messagesPerConnection() {
        return messagesPerConnection;
    }

    /**
     * Returns the age at which a connection takes no further message.
     *
     * @return 5 min unless set
     */
    public Duration connectionAge() {
        return connectionAge;
    }

    /**
     * Returns the time that an unused connection is kept open.
     *
     * @return 30 s unless set
     */
    public Duration idle() {
        return idle;
    }
}
