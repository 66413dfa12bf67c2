package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.backupmx.smtp.internal.server.Listeners;
import org.jspecify.annotations.Nullable;

/**
 * The bounds of a {@link SmtpServer}: how much of everything a client may have. Immutable and thread-safe.
 *
 * <p>The size of a message and the number of recipients are not here: the intake says them with each greeting. A line
 * of mail data may have 1 MiB. Beyond TLS and what the mail data's sink keeps, a session holds at most
 * {@link #sessionBytes()} of buffers.
 */
public final class SmtpLimits {

    private static final Duration LONGEST = Duration.ofDays(1);
    private static final Duration LONGEST_GREET_PAUSE = Duration.ofSeconds(6);
    private static final SmtpLimits DEFAULTS = new Builder().build();

    private final int connections;
    private final int connectionsPerClient;
    private final int commandLineOctets;
    private final Duration idleTime;
    private final int dataOctetsPerIdleTime;
    private final Duration sessionTime;
    private final Duration handshakeTime;
    private final int badCommands;
    private final int idleCommands;
    private final int transactions;
    private final Duration greetPause;
    private final EarlyTalkers earlyTalkers;

    private SmtpLimits(Builder b) {
        this.connections = b.connections;
        this.connectionsPerClient = b.connectionsPerClient;
        this.commandLineOctets = b.commandLineOctets;
        this.idleTime = b.idleTime;
        this.dataOctetsPerIdleTime = b.dataOctetsPerIdleTime;
        this.sessionTime = b.sessionTime;
        this.handshakeTime = b.handshakeTime;
        this.badCommands = b.badCommands;
        this.idleCommands = b.idleCommands;
        this.transactions = b.transactions;
        this.greetPause = b.greetPause;
        this.earlyTalkers = b.earlyTalkers != null
                ? b.earlyTalkers
                : greetPause.isZero() ? EarlyTalkers.IGNORE : EarlyTalkers.REJECT;
    }

    private static int within(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + least + " to " + most + ")");
        }
        return value;
    }

    private static Duration within(String name, Duration value) {
        requireNonNull(value, name);
        if (value.compareTo(Duration.ofSeconds(1)) < 0 || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: PT1S to " + LONGEST + ")");
        }
        return value;
    }

    /**
     * Returns the default of every bound.
     *
     * @return the defaults
     */
    public static SmtpLimits defaults() {
        return DEFAULTS;
    }

    /**
     * Starts from the defaults.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns how many connections there may be at once.
     *
     * @return 1 to 1,000,000
     */
    public int connections() {
        return connections;
    }

    /**
     * Returns how many connections one client may have at once.
     *
     * @return 1 to 1,000,000
     */
    public int connectionsPerClient() {
        return connectionsPerClient;
    }

    /**
     * Returns the longest command line.
     *
     * @return octets with the line end
     */
    public int commandLineOctets() {
        return commandLineOctets;
    }

    /**
     * Returns how long we wait for the client.
     *
     * @return 1 second to 1 day
     */
    public Duration idleTime() {
        return idleTime;
    }

    /**
     * Returns how many octets of mail data must come in each {@link #idleTime()}.
     *
     * @return at least 1
     */
    public int dataOctetsPerIdleTime() {
        return dataOctetsPerIdleTime;
    }

    /**
     * Returns how long a session may last.
     *
     * @return 1 second to 1 day
     */
    public Duration sessionTime() {
        return sessionTime;
    }

    /**
     * Returns how long a TLS handshake may last.
     *
     * @return 1 second to 1 day
     */
    public Duration handshakeTime() {
        return handshakeTime;
    }

    /**
     * Returns how many bad commands end a session.
     *
     * @return at least 1
     */
    public int badCommands() {
        return badCommands;
    }

    /**
     * Returns how many commands without a message end a session.
     *
     * @return at least 1
     */
    public int idleCommands() {
        return idleCommands;
    }

    /**
     * Returns how many mail transactions a session may begin.
     *
     * @return at least 1
     */
    public int transactions() {
        return transactions;
    }

    /**
     * Returns how long a client that is new to us waits for the banner.
     *
     * @return zero to 6 seconds
     */
    public Duration greetPause() {
        return greetPause;
    }

    /**
     * Returns what becomes of a client that talks before its turn.
     *
     * @return what becomes of it
     */
    public EarlyTalkers earlyTalkers() {
        return earlyTalkers;
    }

    /**
     * Returns the most memory that the buffers of one session take outside TLS: the command line, two reads (one being
     * worked on, one read ahead) and the replies that wait to be written.
     *
     * @return bytes; 52,224 by default
     */
    public int sessionBytes() {
        return commandLineOctets + 3 * Listeners.READ_BYTES + 1024;
    }

    /** Collects the bounds of {@link SmtpLimits}; what is not set keeps its default. Not thread-safe. */
    public static final class Builder {
        private int connections = 2000;
        private int connectionsPerClient = 50;
        private int commandLineOctets = 2048;
        private Duration idleTime = Duration.ofMinutes(5);
        private int dataOctetsPerIdleTime = 4096;
        private Duration sessionTime = Duration.ofHours(1);
        private Duration handshakeTime = Duration.ofSeconds(30);
        private int badCommands = 20;
        private int idleCommands = 5000;
        private int transactions = 1_000_000;
        private Duration greetPause = Duration.ZERO;
        private @Nullable EarlyTalkers earlyTalkers;

        private Builder() {}

        /**
         * Sets how many connections there may be at once. One more is answered 421 4.3.2 and closed. Those that are refused
         * do not count; 200 of them at most may stay for a moment, to say QUIT or to read why.
         *
         * @param value 1 to 1,000,000; default 2,000. The process needs a file descriptor for each, and 200
         *     for those that are refused
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder connections(int value) {
            connections = within("connections", value, 1, 1_000_000);
            return this;
        }

        /**
         * Sets how many connections one client may have at once: one IPv4 address or one IPv6 /64. One more is answered
         * 421 4.7.0 and closed.
         *
         * @param value 1 to 1,000,000; default 50
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder connectionsPerClient(int value) {
            connectionsPerClient = within("connectionsPerClient", value, 1, 1_000_000);
            return this;
        }

        /**
         * Sets the longest command line. A longer one is swallowed and answered 500 5.5.2.
         *
         * @param value octets with the line end, 512 (RFC 5321 section 4.5.3.1.4) to 65,536; default 2,048, as SMTPUTF8
         *     and DSN parameters need
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder commandLineOctets(int value) {
            commandLineOctets = within("commandLineOctets", value, 512, 65_536);
            return this;
        }

        /**
         * Sets how long we wait for a whole command line, or for the next octets of mail data, before 421 4.4.2. Times are
         * checked every second.
         *
         * @param value 1 second to 1 day; default 5 minutes (RFC 5321 section 4.5.3.2.7)
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder idleTime(Duration value) {
            idleTime = within("idleTime", value);
            return this;
        }

        /**
         * Sets how many octets of mail data must come in each {@link #idleTime()}. A slower client gets 421 4.4.2, so
         * that octets sent one by one hold a session for two idle times at most.
         *
         * @param value 1 to 1,073,741,824; default 4,096
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder dataOctetsPerIdleTime(int value) {
            dataOctetsPerIdleTime = within("dataOctetsPerIdleTime", value, 1, 1 << 30);
            return this;
        }

        /**
         * Sets how long a session may last before 421 4.4.2; an answer that is being worked on is given first.
         *
         * @param value 1 second to 1 day; default 1 hour
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder sessionTime(Duration value) {
            sessionTime = within("sessionTime", value);
            return this;
        }

        /**
         * Sets how long a TLS handshake may last, however its octets come in; then the connection is closed.
         *
         * @param value 1 second to 1 day; default 30 seconds
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder handshakeTime(Duration value) {
            handshakeTime = within("handshakeTime", value);
            return this;
        }

        /**
         * Sets how many unknown, malformed or misplaced commands a session may send. The one that reaches the bound is
         * answered 421 4.7.0.
         *
         * @param value 1 to 1,000,000; default 20
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder badCommands(int value) {
            badCommands = within("badCommands", value, 1, 1_000_000);
            return this;
        }

        /**
         * Sets how many commands may come between two messages without leading to one: HELO, EHLO, NOOP, RSET, VRFY, EXPN,
         * HELP, and whatever is refused. The one that reaches the bound is answered 421 4.7.0.
         *
         * @param value 1 to 1,000,000,000; default 5,000
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder idleCommands(int value) {
            idleCommands = within("idleCommands", value, 1, 1_000_000_000);
            return this;
        }

        /**
         * Sets how many mail transactions a session may begin. MAIL beyond is answered 421 4.7.0; the client may connect
         * again.
         *
         * @param value 1 to 1,000,000,000; default 1,000,000: the session's time is the real bound
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder transactions(int value) {
            transactions = within("transactions", value, 1, 1_000_000_000);
            return this;
        }

        /**
         * Sets how long a client that is new to us waits for the banner: many that send unwanted mail do not. A client
         * (one IPv4 address or one IPv6 /64) that has waited is greeted at once for a day; 10,000 are remembered. Times
         * are checked every second, so the wait may be a second longer.
         *
         * @param value zero to 6 seconds; default zero: nobody waits
         * @return this builder
         * @throws IllegalArgumentException if {@code value} is out of range
         */
        public Builder greetPause(Duration value) {
            requireNonNull(value, "greetPause");
            if (value.isNegative() || value.compareTo(LONGEST_GREET_PAUSE) > 0) {
                throw new IllegalArgumentException(
                        "greetPause: " + value + " (expected: PT0S to " + LONGEST_GREET_PAUSE + ")");
            }
            greetPause = value;
            return this;
        }

        /**
         * Sets what becomes of a client that talks before its turn.
         *
         * @param value what becomes of it; default {@link EarlyTalkers#REJECT} with a greet pause, else
         *     {@link EarlyTalkers#IGNORE}
         * @return this builder
         */
        public Builder earlyTalkers(EarlyTalkers value) {
            earlyTalkers = requireNonNull(value, "earlyTalkers");
            return this;
        }

        /**
         * Returns the limits.
         *
         * @return the limits
         */
        public SmtpLimits build() {
            return new SmtpLimits(this);
        }
    }
}
