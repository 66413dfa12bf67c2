package org.backupmx.examples;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.backupmx.BackupMx;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.health.UptimeReport;
import org.backupmx.history.HistoryException;
import org.backupmx.mail.MailDomain;

/**
 * What the admin socket answers, word for word:
 *
 * <pre>
 *   status [json]
 *   probe DOMAIN
 *   believe DOMAIN
 *   mode DOMAIN auto|force-down|force-up|hold [TIME]
 *   maintenance DOMAIN FROM UNTIL
 *   maintenance DOMAIN end
 *   uptime DOMAIN DAYS text|csv|outages-csv|json|svg
 *   monitoring LIMIT
 *   queue …, see {@link QueueRequests}
 * </pre>
 *
 * <p>Thread-safe.
 */
final class AdminRequests {

    private final BackupMx mx;
    private final InstantSource clock;
    private final QueueRequests queue;

    AdminRequests(BackupMx mx, InstantSource clock) {
        this.mx = mx;
        this.clock = clock;
        this.queue = new QueueRequests(mx, clock);
    }

    /**
     * Answers a request with lines of text; an {@link IllegalArgumentException} says what is wrong with it.
     *
     * @param by who asks
     */
    List<String> answer(String request, String by) throws Exception {
        List<String> words = List.of(request.strip().split(" +"));
        return switch (words.get(0)) {
            case "status" -> status(words);
            case "probe" -> probe(words);
            case "believe" -> believe(words);
            case "mode" -> mode(words);
            case "maintenance" -> maintenance(words);
            case "uptime" -> uptime(words);
            case "monitoring" -> monitoring(words);
            case "queue" -> queue.answer(words.subList(1, words.size()), by);
            default ->
                throw wrong(words.get(0), "status, probe, believe, mode, maintenance, uptime, monitoring or queue");
        };
    }

    private List<String> status(List<String> words) throws Exception {
        Status status = Status.of(mx.health().domains(), mx.snapshot());
        if (words.size() == 1) {
            return status.table();
        }
        if (words.size() == 2 && words.get(1).equals("json")) {
            return status.json();
        }
        throw wrong(words, "status, or status json");
    }

    private List<String> probe(List<String> words) throws Exception {
        if (words.size() != 2) {
            throw wrong(words, "probe DOMAIN");
        }
        MailDomain domain = domain(words.get(1));
        try {
            return mx.health()
                    .probe(domain)
                    .toCompletableFuture()
                    .get()
                    .map(AdminRequests::describe)
                    .orElseThrow(() -> notWatched(domain));
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private List<String> believe(List<String> words) {
        if (words.size() != 2) {
            throw wrong(words, "believe DOMAIN");
        }
        MailDomain domain = domain(words.get(1));
        if (mx.health().find(domain).isEmpty()) {
            throw notWatched(domain);
        }
        return List.of(
                mx.health().believe(domain)
                        ? domain + ": what its primary refuses for good fails from now on"
                        : domain + ": its primary was believed already");
    }

    private static List<String> describe(DomainHealth health) {
        List<String> lines = new ArrayList<>();
        lines.add("domain: " + health.domain());
        lines.add("state: " + health.health());
        lines.add("found: " + health.found());
        lines.add("since: " + Status.second(health.since()));
        lines.add("cause: " + health.cause());
        health.demandNotMet().ifPresent(reply -> lines.add("demand-not-met: " + reply));
        lines.add("flapping: " + health.isFlapping());
        lines.add("last-probe: " + health.lastAnswer().map(Status::second).orElse("none"));
        lines.add("next-probe: " + health.nextProbe().map(Status::second).orElse("none"));
        lines.add("primary: " + health.primary().stream().map(String::valueOf).collect(Collectors.joining(" ")));
        health.capabilities().ifPresent(said -> {
            lines.add("banner: " + said.banner());
            lines.add("extensions: " + String.join(", ", said.extensions()));
            said.tls()
                    .ifPresent(tls -> lines.add("tls: " + tls.protocol() + " " + tls.cipherSuite()
                            + ", certificate ends " + tls.certificateEnd()));
        });
        return lines;
    }

    private List<String> mode(List<String> words) {
        if (words.size() < 3 || words.size() > 4) {
            throw wrong(words, "mode DOMAIN auto|force-down|force-up|hold [TIME]");
        }
        MailDomain domain = domain(words.get(1));
        HealthOverride order = HealthOverride.of(kind(words.get(2)));
        if (words.size() == 4) {
            order = order.until(toCome(words.get(3)));
        }
        if (order.kind() != HealthOverride.Kind.AUTO) { // what ends an order is never refused
            requireWatched(domain);
        }
        mx.health().override(domain, order);
        return List.of(domain + ": " + Status.show(order));
    }

    private static HealthOverride.Kind kind(String word) {
        return switch (word) {
            case "auto" -> HealthOverride.Kind.AUTO;
            case "force-down" -> HealthOverride.Kind.FORCE_DOWN;
            case "force-up" -> HealthOverride.Kind.FORCE_UP;
            case "hold" -> HealthOverride.Kind.HOLD;
            default -> throw wrong(word, "auto, force-down, force-up or hold");
        };
    }

    private List<String> maintenance(List<String> words) {
        if (words.size() == 3 && words.get(2).equals("end")) {
            MailDomain domain = domain(words.get(1));
            return List.of(
                    domain + ": maintenance ended, windows: " + mx.health().endMaintenance(domain));
        }
        if (words.size() != 4) {
            throw wrong(words, "maintenance DOMAIN FROM UNTIL, or maintenance DOMAIN end");
        }
        MailDomain domain = domain(words.get(1));
        MaintenanceWindow window = new MaintenanceWindow(time(words.get(2)), toCome(words.get(3)));
        requireWatched(domain);
        mx.health().maintain(domain, window);
        return List.of(domain + ": " + Status.show(window));
    }

    private List<String> uptime(List<String> words) throws HistoryException {
        if (words.size() != 4) {
            throw wrong(words, "uptime DOMAIN DAYS text|csv|outages-csv|json|svg");
        }
        MailDomain domain = domain(words.get(1));
        Instant now = clock.instant();
        Instant from = now.minus(Duration.ofDays(days(words.get(2))));
        UptimeReport report = mx.health().uptime(domain, from, now).orElseThrow(() -> notWatched(domain));
        return UptimeText.show(report, words.get(3));
    }

    private List<String> monitoring(List<String> words) {
        if (words.size() != 2 || !words.get(1).matches("[1-9]\\d{0,4}")) {
            throw wrong(words, "monitoring LIMIT");
        }
        return MonitoringText.table(mx.monitoring(), Integer.parseInt(words.get(1)));
    }

    private static int days(String word) {
        if (word.matches("[1-9]\\d{0,2}") && Integer.parseInt(word) <= UptimeText.MAX_DAYS) {
            return Integer.parseInt(word);
        }
        throw wrong(word, "days, 1 to " + UptimeText.MAX_DAYS);
    }

    static MailDomain domain(String word) {
        try {
            return MailDomain.of(word);
        } catch (IllegalArgumentException e) {
            throw wrong(word, "a domain such as example.org");
        }
    }

    private void requireWatched(MailDomain domain) {
        if (mx.health().find(domain).isEmpty()) {
            throw notWatched(domain);
        }
    }

    /** Else a slip of the pen would be an order that nobody sees. */
    private static IllegalArgumentException notWatched(MailDomain domain) {
        return wrong(domain.toString(), "a domain that status lists with a state");
    }

    private Instant time(String word) {
        try {
            return Units.instant(word, clock.instant());
        } catch (IllegalArgumentException e) {
            throw wrong(word, Units.TIME);
        }
    }

    private Instant toCome(String word) {
        Instant time = time(word);
        if (!time.isAfter(clock.instant())) {
            throw wrong(word, "a time to come");
        }
        return time;
    }

    private static IllegalArgumentException wrong(List<String> words, String expected) {
        return wrong(String.join(" ", words), expected);
    }

    static IllegalArgumentException wrong(String what, String expected) {
        String shown = what.length() > 80 ? what.substring(0, 80) + "…" : what;
        return new IllegalArgumentException('"' + shown + "\" (expected: " + expected + ")");
    }
}
