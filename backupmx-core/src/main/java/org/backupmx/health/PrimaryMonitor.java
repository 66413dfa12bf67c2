package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeResult;
import org.jspecify.annotations.Nullable;

/**
 * The state machine of one primary's health. It asks nobody and waits for nothing: it is told what probes and
 * deliveries met, and tells what that makes of the primary and when to probe next.
 *
 * <pre>
 *   any state     -- rise good answers in a row -----------> UP
 *   any but UP    -- a good answer, fewer than rise -------> DEGRADED
 *   any state     -- busy: 4yz ----------------------------> DEGRADED
 *   any state     -- the DNS does not say where it is -----> UNKNOWN
 *   UP            -- a failure, fewer than fall in a row --> DEGRADED
 *   any state     -- fall failures in a row, the last one:
 *                      unreachable ------------------------> DOWN
 *                      refusing, 5yz ----------------------> REJECTING
 * </pre>
 *
 * Everything else leaves the state as it is. Good answers end a row of failures, failures a row of good answers, and
 * busy and unresolved both. It begins as {@link PrimaryHealth#UNKNOWN}, to be probed at once; there the first answer
 * decides, if it is good.
 *
 * <p>A primary that has become UP, or ceased to be, more than six times within an hour is flapping: where it would be
 * UP it is shown as DEGRADED, until an hour has passed without such a turn.
 *
 * <p>The next probe is one interval after the last one, by the state. While the primary is not UP the interval is
 * {@link HealthProbe#intervalWhileDown()} in the first hour, twice that in the next five, five times until the first
 * day has passed, and then eight times; never more than {@link HealthProbe#MAX_INTERVAL_WHILE_DOWN}. While a row is
 * being counted it is at most {@link #CONFIRM_AFTER}. A delivery that fails may bring the next probe forward and never
 * puts it off; one that succeeds while the primary is UP puts it off, for it has shown what a probe would.
 *
 * <p>Not thread-safe: it belongs to one thread or one lock.
 */
public final class PrimaryMonitor {

    /** How long after the last one a probe that confirms it comes, before jitter that only adds: at most 30 s. */
    public static final Duration CONFIRM_AFTER = Duration.ofSeconds(30);

    private final HealthProbe probe;
    private final RandomGenerator random;
    private final Flapping flapping = new Flapping();

    private PrimaryHealth verdict = PrimaryHealth.UNKNOWN; // the health, were it not for flapping
    private PrimaryHealth health = PrimaryHealth.UNKNOWN;
    private Instant since;
    private Instant notUpSince;
    private @Nullable Instant lastAnswer;
    private @Nullable PrimaryCapabilities capabilities;
    private boolean isFlapping;
    private boolean isAnswering;
    private Instant nextProbe;
    private String cause = "not probed yet";
    private int goodInRow;
    private int failuresInRow;

    /**
     * Makes the monitor of a primary of which nothing is known.
     *
     * @param probe intervals and thresholds
     * @param random the source of jitter
     * @param now the time
     */
    public PrimaryMonitor(HealthProbe probe, RandomGenerator random, Instant now) {
        this.probe = requireNonNull(probe, "probe");
        this.random = requireNonNull(random, "random");
        this.since = requireNonNull(now, "now");
        this.notUpSince = now;
        this.goodInRow = probe.thresholds().rise() - 1;
        this.nextProbe = probe.depth().isPresent() ? now : Instant.MAX;
    }

    /**
     * Takes the result of a probe.
     *
     * @param result what the probe found
     * @param now when it ended
     * @return the change it makes, empty if none
     */
    public Optional<HealthChange> probed(ProbeResult result, Instant now) {
        requireNonNull(result, "result");
        lastAnswer = now;
        Optional<HealthChange> change;
        if (result instanceof ProbeResult.Healthy healthy) {
            capabilities = healthy.capabilities();
            change = good("probe succeeded", now);
        } else if (result instanceof ProbeResult.Refused refused) {
            change = refused(refused.reply(), now);
        } else if (result instanceof ProbeResult.Unreachable unreachable) {
            change = failed(PrimaryHealth.DOWN, unreachable.reason(), now);
        } else {
            throw new AssertionError(result);
        }
        nextProbe = after(now);
        return change;
    }

    /**
     * Takes a look-up that did not say where the primary is, so that there was nothing to probe or to relay to.
     *
     * @param reason what happened, for operators
     * @param now when it ended
     * @return the change it makes, empty if none
     */
    public Optional<HealthChange> unresolved(String reason, Instant now) {
        goodInRow = 0;
        failuresInRow = 0;
        Optional<HealthChange> change = become(PrimaryHealth.UNKNOWN, requireNonNull(reason, "reason"), now);
        nextProbe = after(now);
        return change;
    }

    /**
     * Takes a message that the primary has taken.
     *
     * @param now when it did
     * @return the change it makes, empty if none
     */
    public Optional<HealthChange> delivered(Instant now) {
        lastAnswer = now;
        Optional<HealthChange> change = good("message delivered", now);
        nextProbe = health == PrimaryHealth.UP ? after(now) : earlier(nextProbe, after(now));
        return change;
    }

    /**
     * Takes the primary's own request for its mail (RFC 1985): one more good answer in the row, though never the one
     * that makes it {@link PrimaryHealth#UP}. A probe at once may be that.
     *
     * @param now when it came
     */
    public void asked(Instant now) {
        requireNonNull(now, "now");
        if (probe.depth().isPresent()) {
            failuresInRow = 0;
            goodInRow = Math.max(
                    goodInRow, Math.min(goodInRow + 1, probe.thresholds().rise() - 1));
            nextProbe = earlier(nextProbe, now);
        }
    }

    /**
     * Takes a reply by which the primary refused a whole attempt: at the greeting, to EHLO or MAIL, to all recipients,
     * or to the end of data. A reply about one recipient among others says nothing about the primary and is not told
     * here.
     *
     * @param reply the reply, 4yz or 5yz
     * @param now when it came
     * @return the change it makes, empty if none
     */
    public Optional<HealthChange> deliveryRefused(SmtpReply reply, Instant now) {
        Optional<HealthChange> change = refused(reply, now);
        nextProbe = earlier(nextProbe, after(now));
        return change;
    }

    /**
     * Takes an attempt that did not reach the primary at any of its addresses.
     *
     * @param reason what happened, for operators
     * @param now when it ended
     * @return the change it makes, empty if none
     */
    public Optional<HealthChange> deliveryUnreachable(String reason, Instant now) {
        Optional<HealthChange> change = failed(PrimaryHealth.DOWN, requireNonNull(reason, "reason"), now);
        nextProbe = earlier(nextProbe, after(now));
        return change;
    }

    /**
     * Returns what is known of the primary.
     *
     * @return its health
     */
    public PrimaryHealth health() {
        return health;
    }

    /**
     * Returns since when it is so.
     *
     * @return the instant of the last change, or of the monitor's making
     */
    public Instant since() {
        return since;
    }

    /**
     * Returns what the last answer said.
     *
     * @return a line for operators
     */
    public String cause() {
        return cause;
    }

    /**
     * Returns when to probe next.
     *
     * @return the instant; {@link Instant#MAX} if probing is off
     */
    public Instant nextProbe() {
        return nextProbe;
    }

    /**
     * Tells whether UP is not believed because it has come and gone too often.
     *
     * @return true while the primary is flapping
     */
    public boolean isFlapping() {
        return isFlapping;
    }

    /**
     * Tells whether the last answer was good, so that mail may be tried: that is where a drain begins, before
     * {@link HealthThresholds#rise} confirms it.
     *
     * @return true after a good answer
     */
    public boolean isAnswering() {
        return isAnswering;
    }

    /**
     * Returns when a probe ended or a message was delivered the last time, for {@link PrimaryHealth#UP} is as old as
     * that.
     *
     * @return the instant, empty if there was neither
     */
    public Optional<Instant> lastAnswer() {
        return Optional.ofNullable(lastAnswer);
    }

    /**
     * Returns what the primary said of itself in the last good probe, however long ago.
     *
     * @return its capabilities, empty if there was no good probe
     */
    public Optional<PrimaryCapabilities> capabilities() {
        return Optional.ofNullable(capabilities);
    }

    private Optional<HealthChange> good(String what, Instant now) {
        failuresInRow = 0;
        goodInRow = Math.min(goodInRow + 1, probe.thresholds().rise());
        return become(goodInRow == probe.thresholds().rise() ? PrimaryHealth.UP : PrimaryHealth.DEGRADED, what, now);
    }

    private Optional<HealthChange> refused(SmtpReply reply, Instant now) {
        if (reply.isPositive()) {
            throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz or 5yz)");
        }
        if (reply.isPermanent()) {
            return failed(PrimaryHealth.REJECTING, reply.toString(), now);
        }
        goodInRow = 0;
        failuresInRow = 0;
        return become(PrimaryHealth.DEGRADED, reply.toString(), now);
    }

    private Optional<HealthChange> failed(PrimaryHealth away, String what, Instant now) {
        goodInRow = 0;
        failuresInRow = Math.min(failuresInRow + 1, probe.thresholds().fall());
        boolean certain = failuresInRow == probe.thresholds().fall();
        PrimaryHealth doubtful = verdict == PrimaryHealth.UP ? PrimaryHealth.DEGRADED : verdict;
        return become(certain ? away : doubtful, what, now);
    }

    private Optional<HealthChange> become(PrimaryHealth found, String what, Instant now) {
        if ((found == PrimaryHealth.UP) != (verdict == PrimaryHealth.UP)) {
            flapping.turned(now);
        }
        verdict = found;
        isAnswering = goodInRow > 0;
        isFlapping = flapping.is(now);
        boolean withheld = isFlapping && found == PrimaryHealth.UP;
        cause = withheld ? "flapping; " + what : what;
        return show(withheld ? PrimaryHealth.DEGRADED : found, now);
    }

    private Optional<HealthChange> show(PrimaryHealth to, Instant now) {
        if (to == health) {
            return Optional.empty();
        }
        if (health == PrimaryHealth.UP) {
            notUpSince = now;
        }
        HealthChange change = new HealthChange(health, to, now, cause);
        health = to;
        since = now;
        return Optional.of(change);
    }

    private Instant after(Instant now) {
        if (probe.depth().isEmpty()) {
            return Instant.MAX;
        }
        Duration beat = health == PrimaryHealth.UP ? probe.interval() : intervalWhileDown(now);
        boolean counting = isBetween(goodInRow, probe.thresholds().rise())
                || isBetween(failuresInRow, probe.thresholds().fall());
        double spread = 2 * random.nextDouble() - 1;
        if (counting && beat.compareTo(CONFIRM_AFTER) > 0) {
            beat = CONFIRM_AFTER;
            spread = Math.abs(spread); // later rather than earlier: probes on demand keep this distance as well
        }
        double factor = 1 + probe.jitter() * spread;
        long millis = Math.max(1, Math.round(beat.toMillis() * factor));
        return now.plusMillis(
                health == PrimaryHealth.UP ? millis : Math.min(millis, HealthProbe.MAX_INTERVAL_WHILE_DOWN.toMillis()));
    }

    /** The longer it has been away, the less a little more matters. */
    private Duration intervalWhileDown(Instant now) {
        long hours = Duration.between(notUpSince, now).toHours();
        int factor = hours < 1 ? 1 : hours < 6 ? 2 : hours < 24 ? 5 : 8;
        return probe.intervalWhileDown().multipliedBy(factor);
    }

    private static boolean isBetween(int inRow, int enough) {
        return inRow > 0 && inRow < enough;
    }

    private static Instant earlier(Instant a, Instant b) {
        return a.isBefore(b) ? a : b;
    }
}
