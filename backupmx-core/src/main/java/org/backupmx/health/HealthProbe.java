package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import org.backupmx.relay.ProbeDepth;
import org.jspecify.annotations.Nullable;

/**
 * How and how often a primary is probed. Unless set otherwise: every 8 min while it is UP, every 60 s while it is not
 * and less often when that lasts, each ±10 %, 30 s for an answer, UP after 2 good answers, DOWN after 2 failures.
 * Immutable and thread-safe.
 */
public final class HealthProbe {

    private static final Duration MAX_INTERVAL = Duration.ofDays(1);

    /** The longest time between two probes of a primary that is not UP: 20 min. */
    public static final Duration MAX_INTERVAL_WHILE_DOWN = Duration.ofMinutes(20);

    private static final Duration MAX_TIMEOUT = Duration.ofMinutes(10);

    private final @Nullable ProbeDepth depth;
    private final Duration interval;
    private final Duration intervalWhileDown;
    private final Duration timeout;
    private final HealthThresholds thresholds;
    private final double jitter;

    private HealthProbe(
            @Nullable ProbeDepth depth,
            Duration interval,
            Duration intervalWhileDown,
            Duration timeout,
            HealthThresholds thresholds,
            double jitter) {
        this.depth = depth;
        this.interval = check("interval", interval, MAX_INTERVAL);
        this.intervalWhileDown = check("intervalWhileDown", intervalWhileDown, MAX_INTERVAL_WHILE_DOWN);
        this.timeout = check("timeout", timeout, MAX_TIMEOUT);
        this.thresholds = requireNonNull(thresholds, "thresholds");
        this.jitter = jitter;
        if (!(jitter >= 0 && jitter <= 0.5)) {
            throw new IllegalArgumentException("jitter: " + jitter + " (expected: 0 to 0.5)");
        }
    }

    private static Duration check(String name, Duration value, Duration most) {
        requireNonNull(value, name);
        if (value.compareTo(Duration.ofMillis(100)) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 100 ms to " + most + ")");
        }
        return value;
    }

    private static HealthProbe of(@Nullable ProbeDepth depth) {
        return new HealthProbe(
                depth,
                Duration.ofMinutes(8),
                Duration.ofSeconds(60),
                Duration.ofSeconds(30),
                new HealthThresholds(2, 2),
                0.1);
    }

    /**
     * Returns a probe that opens a connection and closes it.
     *
     * @return a probe to {@link ProbeDepth#TCP}
     */
    public static HealthProbe tcp() {
        return of(ProbeDepth.TCP);
    }

    /**
     * Returns a probe that waits for the greeting.
     *
     * @return a probe to {@link ProbeDepth#BANNER}
     */
    public static HealthProbe smtpGreeting() {
        return of(ProbeDepth.BANNER);
    }

    /**
     * Returns a probe that goes as far as EHLO.
     *
     * @return a probe to {@link ProbeDepth#EHLO}
     */
    public static HealthProbe ehlo() {
        return of(ProbeDepth.EHLO);
    }

    /**
     * Returns a probe that goes as far as EHLO inside TLS. A primary that does not offer STARTTLS fails it.
     *
     * @return a probe to {@link ProbeDepth#STARTTLS}
     */
    public static HealthProbe startTls() {
        return of(ProbeDepth.STARTTLS);
    }

    /**
     * Returns a probe that asks whether postmaster's mail would be taken. It sends no mail.
     *
     * @return a probe to {@link ProbeDepth#RCPT}
     */
    public static HealthProbe recipient() {
        return of(ProbeDepth.RCPT);
    }

    /**
     * Returns no probe at all: only deliveries tell how the primary is.
     *
     * @return probing switched off
     */
    public static HealthProbe off() {
        return of(null);
    }

    /**
     * Returns this probe with an interval for a primary that is UP.
     *
     * @param value 100 ms to 1 d
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public HealthProbe every(Duration value) {
        return new HealthProbe(depth, value, intervalWhileDown, timeout, thresholds, jitter);
    }

    /**
     * Returns this probe with an interval for a primary that is not UP, in the first hour; twice, five times and eight
     * times that when it lasts, see {@link PrimaryMonitor}.
     *
     * @param value 100 ms to 20 min
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public HealthProbe everyWhileDown(Duration value) {
        return new HealthProbe(depth, interval, value, timeout, thresholds, jitter);
    }

    /**
     * Returns this probe with a bound for the whole of one probe; without an answer by then it has failed.
     *
     * @param value 100 ms to 10 min
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public HealthProbe timeout(Duration value) {
        return new HealthProbe(depth, interval, intervalWhileDown, value, thresholds, jitter);
    }

    /**
     * Returns this probe with rise and fall.
     *
     * @param value the thresholds
     * @return a copy
     */
    public HealthProbe thresholds(HealthThresholds value) {
        return new HealthProbe(depth, interval, intervalWhileDown, timeout, value, jitter);
    }

    /**
     * Returns this probe with another jitter, so that many primaries are not probed at the same instant.
     *
     * @param fraction the largest change of an interval as a part of it, 0 to 0.5
     * @return a copy
     * @throws IllegalArgumentException if {@code fraction} is out of range
     */
    public HealthProbe jitter(double fraction) {
        return new HealthProbe(depth, interval, intervalWhileDown, timeout, thresholds, fraction);
    }

    /**
     * Returns how far the dialogue goes.
     *
     * @return the depth, empty if probing is off
     */
    public Optional<ProbeDepth> depth() {
        return Optional.ofNullable(depth);
    }

    /**
     * Returns the interval for a primary that is UP.
     *
     * @return the interval before jitter
     */
    public Duration interval() {
        return interval;
    }

    /**
     * Returns the interval for a primary that is not UP, in the first hour.
     *
     * @return the interval before jitter
     */
    public Duration intervalWhileDown() {
        return intervalWhileDown;
    }

    /**
     * Returns the bound of one probe.
     *
     * @return the timeout
     */
    public Duration timeout() {
        return timeout;
    }

    /**
     * Returns rise and fall.
     *
     * @return the thresholds
     */
    public HealthThresholds thresholds() {
        return thresholds;
    }

    /**
     * Returns the largest change of an interval.
     *
     * @return a part of the interval, 0 to 0.5
     */
    public double jitter() {
        return jitter;
    }

    /** Returns the settings, for people. */
    @Override
    public String toString() {
        return depth == null
                ? "off"
                : depth + " every " + interval + ", while down " + intervalWhileDown + ", timeout " + timeout + ", "
                        + thresholds;
    }
}
