package org.backupmx.internal.monitoring;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.MailDomain;
import org.backupmx.monitoring.DeferredNetwork;
import org.backupmx.monitoring.MonitoringReport;

/**
 * Which networks came although the primary was UP. What has just come is kept apart until the primary has answered once
 * more: if it has not been UP all the time, an outage had begun that we did not know of, and nobody is blamed for it.
 * Thread-safe.
 */
final class NetworkLedger {

    /** How often what has come is settled. */
    static final Duration BEAT = Duration.ofSeconds(60);

    /** The most pairs of a domain and a network that are kept apart; what is more is not told. */
    static final int MOST_OPEN = 20_000;

    /** How long a network is kept. */
    static final Duration KEEP = Duration.ofDays(30);

    /** How long a primary may take to its next answer; without probes it may be for ever. */
    private static final Duration PATIENCE = Duration.ofHours(1);

    private static final Duration HALF_LIFE = Duration.ofDays(7);

    private final Function<MailDomain, Optional<DomainHealth>> healths;
    private final Object coming = new Object();
    private final Map<IpNetwork, Line> lines = new HashMap<>(); // guarded by this

    private Map<MailDomain, Span> open = new HashMap<>(); // guarded by coming
    private int openPairs; // of open and waiting; guarded by coming
    private final List<Span> waiting = new ArrayList<>(); // for the next answer of their primary; guarded by this

    /** What came of one domain's clients between two beats. */
    private static final class Span {
        final MailDomain domain;
        final Instant first;
        final Map<IpNetwork, Came> networks = new HashMap<>();
        Instant last;

        Span(MailDomain domain, Instant now) {
            this.domain = domain;
            first = now;
            last = now;
        }
    }

    /** What came of one network. */
    private static final class Came {
        int deferred;
        int again;
        int letIn;
        Instant at = Instant.MIN;
    }

    /** What is known of a network. */
    private static final class Line {
        long deferred;
        long again;
        long letIn;
        double score; // at the time of scoredAt
        Instant scoredAt;
        final Instant firstAt;
        Instant lastAt;

        Line(Instant at) {
            scoredAt = at;
            firstAt = at;
            lastAt = at;
        }

        double score(Instant now) {
            double age = Math.max(0, Duration.between(scoredAt, now).toSeconds());
            return score * Math.pow(0.5, age / HALF_LIFE.toSeconds());
        }

        boolean isOld(Instant now) {
            return lastAt.plus(KEEP).isBefore(now);
        }

        void add(Came came, boolean withDeferred) {
            if (withDeferred) {
                score = score(came.at) + came.deferred;
                scoredAt = came.at;
                deferred += came.deferred;
            }
            again = Math.min(deferred, again + came.again);
            letIn = Math.min(deferred, letIn + came.letIn);
            lastAt = came.at.isAfter(lastAt) ? came.at : lastAt;
        }
    }

    NetworkLedger(Function<MailDomain, Optional<DomainHealth>> healths) {
        this.healths = healths;
    }

    /** Takes a client that was told to use the primary, for the first time or again. */
    void deferred(Arrival arrival, int attempt, Instant now) {
        came(arrival, now, came -> {
            if (attempt == 1) {
                came.deferred++;
            } else if (attempt == 2) {
                came.again++;
            }
        });
    }

    /** Takes a client that was deferred before and is now let in. */
    void letIn(Arrival arrival, int attemptsBefore, Instant now) {
        came(arrival, now, came -> {
            came.letIn++;
            if (attemptsBefore == 1) {
                came.again++;
            }
        });
    }

    private interface Change {
        void on(Came came);
    }

    private void came(Arrival arrival, Instant now, Change change) {
        IpNetwork network = arrival.network();
        synchronized (coming) {
            MailDomain domain = arrival.recipient().domain();
            Span before = open.get(domain);
            if (before == null || !before.networks.containsKey(network)) {
                if (openPairs >= MOST_OPEN) { // of domains, too: each has a network
                    return;
                }
                openPairs++;
            }
            Span span = open.computeIfAbsent(domain, name -> new Span(name, now));
            Came came = span.networks.computeIfAbsent(network, name -> new Came());
            span.last = now;
            change.on(came);
            came.at = now;
        }
    }

    /** Enters what the primary's next answer has confirmed. */
    synchronized void settle(Instant now) {
        synchronized (coming) {
            waiting.addAll(open.values());
            open = new HashMap<>();
        }
        if (waiting.removeIf(span -> isSettled(span, now))) {
            trim(now);
        }
        synchronized (coming) {
            openPairs = pairs(waiting) + pairs(open.values());
        }
    }

    private static int pairs(Collection<Span> spans) {
        return spans.stream().mapToInt(span -> span.networks.size()).sum();
    }

    private boolean isSettled(Span span, Instant now) {
        Optional<DomainHealth> up = healths.apply(span.domain)
                .filter(health -> health.found() == PrimaryHealth.UP
                        && !health.since().isAfter(span.first)
                        && !span.last.plus(PATIENCE).isBefore(now));
        boolean hasAnswered = up.flatMap(DomainHealth::lastAnswer)
                .filter(at -> at.isAfter(span.last))
                .isPresent();
        boolean wasUp = up.isPresent();
        if (wasUp && !hasAnswered) {
            return false;
        }
        span.networks.forEach((network, came) -> enter(network, came, wasUp));
        return true;
    }

    /** What speaks for a network counts in any case. */
    private void enter(IpNetwork network, Came came, boolean wasUp) {
        Line line = lines.get(network);
        if (line == null) {
            if (!wasUp || came.deferred == 0) {
                return;
            }
            line = new Line(came.at);
            lines.put(network, line);
        }
        line.add(came, wasUp);
    }

    private void trim(Instant now) {
        lines.values().removeIf(line -> line.isOld(now));
        if (lines.size() > MonitoringReport.MAX_NETWORKS) {
            lines.entrySet().stream()
                    .sorted(Comparator.comparingDouble(line -> line.getValue().score(now)))
                    .limit(lines.size() - MonitoringReport.MAX_NETWORKS)
                    .map(Map.Entry::getKey)
                    .toList()
                    .forEach(lines::remove);
        }
    }

    synchronized MonitoringReport report(Instant now) {
        lines.values().removeIf(line -> line.isOld(now));
        return new MonitoringReport(
                now,
                lines.entrySet().stream()
                        .map(entry -> told(entry.getKey(), entry.getValue(), now))
                        .sorted(Comparator.comparingDouble(DeferredNetwork::score)
                                .reversed())
                        .toList());
    }

    private static DeferredNetwork told(IpNetwork network, Line line, Instant now) {
        return new DeferredNetwork(
                network, line.deferred, line.again, line.letIn, line.score(now), line.firstAt, line.lastAt);
    }
}
