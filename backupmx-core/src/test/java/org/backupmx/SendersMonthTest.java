package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.relay.NextHop;
import org.backupmx.testing.ManualScheduler;
import org.junit.jupiter.api.Test;

/**
 * Proof of row X7: a month of virtual time in monitoring mode, with outages. Every sender tries the primary first and
 * then us, by the schedule of its software; some cannot reach the primary although our probe can. No message of theirs
 * expires, and none of the spammers', who try us alone, is accepted while the primary is UP.
 */
class SendersMonthTest {

    private static final Duration MONTH = Duration.ofDays(30);

    /** When the software of a sender tries: the time of the attempt after this one, as the age of the message. */
    private interface Schedule {
        Duration next(int attempts, Duration age);

        Duration lifetime();
    }

    /**
     * Postfix, postconf(5): queue_run_delay 300s, minimal_backoff_time 300s, maximal_backoff_time 4000s,
     * maximal_queue_lifetime 5d; qmgr(8): the time between attempts doubles.
     */
    private static final class Postfix implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            long backoff = Math.min(4000, Math.max(300, age.toSeconds()));
            return Duration.ofSeconds((age.toSeconds() + backoff + 299) / 300 * 300);
        }

        @Override
        public Duration lifetime() {
            return Duration.ofDays(5);
        }
    }

    /**
     * Exim, specification section 32 and the retry rule of the default configuration (section 7.5): F,2h,15m;
     * G,16h,1h,1.5; F,4d,6h, at queue runs every 30 min, as Debian starts them.
     */
    private static final class Exim implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            double hours = age.toSeconds() / 3600.0;
            double wait = 6;
            if (hours < 2) {
                wait = 0.25;
            } else if (hours < 16) {
                wait = 1;
                for (double at = 2; at + wait <= hours; wait *= 1.5) {
                    at += wait;
                }
            }
            long run = Duration.ofMinutes(30).toSeconds();
            long due = age.toSeconds() + (long) (wait * 3600);
            return Duration.ofSeconds((due + run - 1) / run * run);
        }

        @Override
        public Duration lifetime() {
            return Duration.ofDays(4);
        }
    }

    /** Haraka, outbound/config.js: without temp_fail_intervals it waits 2^(5+n) seconds after the n-th failure, 13 times. */
    private static final class Haraka implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            return attempts < 13
                    ? age.plusSeconds(1L << (5 + attempts))
                    : lifetime().plusSeconds(1);
        }

        @Override
        public Duration lifetime() {
            return Duration.ofDays(7);
        }
    }

    /**
     * Like Gmail, whose schedule is not published: its notices of delay, after a day, tell of 46 hours more, so three
     * days; as others saw it, minutes at first and hours in the end, and from several networks.
     */
    private static final class GmailLike implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            return age.plusSeconds(Math.min(4 * 3600, 150L << Math.min(attempts, 10)));
        }

        @Override
        public Duration lifetime() {
            return Duration.ofDays(3);
        }
    }

    /** RFC 5321 section 4.5.4.1 to the letter, and no more: every 30 min, 4 days. */
    private static final class Plain implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            return age.plusMinutes(30);
        }

        @Override
        public Duration lifetime() {
            return Duration.ofDays(4);
        }
    }

    /** Three times in a minute, as software of spammers does that goes through what it finds in the DNS. */
    private static final class ThreeInAMinute implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            return attempts < 3 ? age.plusSeconds(25) : lifetime().plusSeconds(1);
        }

        @Override
        public Duration lifetime() {
            return Duration.ofMinutes(2);
        }
    }

    private static final class Once implements Schedule {
        @Override
        public Duration next(int attempts, Duration age) {
            return lifetime().plusSeconds(1);
        }

        @Override
        public Duration lifetime() {
            return Duration.ofMinutes(1);
        }
    }

    private enum Way {
        TO_THE_PRIMARY_FIRST,
        TO_A_PRIMARY_THAT_GREYLISTS, // which refuses the first attempt of each message for now
        NEVER_TO_THE_PRIMARY, // a cut network, which tries and fails
        TO_US_ALONE
    }

    private record Sender(String name, Schedule schedule, Way way, List<String> networks, Duration every) {
        boolean isSpammer() {
            return way == Way.TO_US_ALONE;
        }
    }

    private static final class Message implements Comparable<Message> {
        final Sender sender;
        final int number;
        final Instant sent;
        Instant due;
        int attempts;

        Message(Sender sender, int number, Instant sent) {
            this.sender = sender;
            this.number = number;
            this.sent = sent;
            this.due = sent;
        }

        String recipient() {
            return sender.name + "-" + number + "@example.test";
        }

        @Override
        public int compareTo(Message other) {
            int byTime = due.compareTo(other.due);
            return byTime != 0 ? byTime : recipient().compareTo(other.recipient());
        }
    }

    private final VirtualEngine engine = new VirtualEngine();
    private final Random random = new Random(5);
    private final PriorityQueue<Message> queue = new PriorityQueue<>();
    private final List<Instant[]> outages = new ArrayList<>();
    private final Map<String, Integer> expired = new TreeMap<>();
    private final Map<String, Integer> spamWhileUp = new TreeMap<>();
    private final Map<String, Integer> toUs = new TreeMap<>();
    private final Map<String, Integer> toPrimary = new TreeMap<>();
    private final Map<String, Duration> longest = new TreeMap<>();

    private boolean isUp(Instant at) {
        return outages.stream().noneMatch(outage -> !at.isBefore(outage[0]) && at.isBefore(outage[1]));
    }

    /** The primary is UP by all that can be known: an outage shows within the age that the gate allows. */
    private boolean isKnownUp(Instant at) {
        return outages.stream()
                .noneMatch(outage -> !at.isBefore(outage[0])
                        && at.isBefore(outage[1].plus(Duration.ofMinutes(10)))); // rise takes its time
    }

    private void advance(Instant to) {
        for (Instant[] outage : outages) {
            for (int i = 0; i < 2; i++) {
                if (outage[i].isAfter(engine.time.now()) && !outage[i].isAfter(to)) {
                    engine.time.advance(Duration.between(engine.time.now(), outage[i]));
                    if (i == 0) {
                        engine.client.allDown();
                    } else {
                        engine.client.allUp();
                    }
                }
            }
        }
        engine.time.advance(Duration.between(engine.time.now(), to));
    }

    private void plan(List<Sender> senders) {
        Instant start = ManualScheduler.START;
        for (Sender sender : senders) {
            Instant at = start.plus(Duration.ofMinutes(5 + random.nextInt(30)));
            for (int n = 0; at.isBefore(start.plus(MONTH)); n++) {
                queue.add(new Message(sender, n, at));
                at = at.plusSeconds(sender.every.toSeconds() / 2 + random.nextInt((int) sender.every.toSeconds()));
            }
        }
        Instant at = start.plus(Duration.ofHours(20));
        int[] minutes = {3, 30, 240, 2, 1500, 60, 10, 3 * 1440, 45, 600};
        for (int length : minutes) {
            outages.add(new Instant[] {at, at.plus(Duration.ofMinutes(length))});
            at = at.plus(Duration.ofMinutes(length)).plus(Duration.ofHours(20 + random.nextInt(50)));
        }
    }

    private void attempt(Message message) {
        Sender sender = message.sender;
        message.attempts++;
        boolean isTaken = sender.way == Way.TO_THE_PRIMARY_FIRST
                || sender.way == Way.TO_A_PRIMARY_THAT_GREYLISTS && message.attempts > 1;
        if (isTaken && isUp(message.due)) {
            end(message, toPrimary);
            return;
        }
        String network = sender.networks.get(random.nextInt(sender.networks.size()));
        Verdict verdict = engine.server
                .connect(network + (1 + random.nextInt(250)))
                .send("x" + message.number + "@" + sender.name + ".test", "Subject: x\r\n\r\n", message.recipient());
        engine.time.run();
        if (verdict instanceof Verdict.Accept) {
            end(message, toUs);
            if (sender.isSpammer() && isKnownUp(message.due)) {
                spamWhileUp.merge(sender.name, 1, Integer::sum);
            }
            return;
        }
        assertThat(verdict.reply().toString()).startsWith("451 4.3.0 The primary");
        Duration age = Duration.between(message.sent, message.due);
        Duration next = sender.schedule.next(message.attempts, age);
        if (next.compareTo(sender.schedule.lifetime()) > 0) {
            if (!sender.isSpammer()) {
                expired.merge(sender.name, 1, Integer::sum);
            }
            return;
        }
        message.due = message.sent.plus(next);
        queue.add(message);
    }

    private void end(Message message, Map<String, Integer> where) {
        where.merge(message.sender.name, 1, Integer::sum);
        longest.merge(
                message.sender.name, Duration.between(message.sent, message.due), (a, b) -> a.compareTo(b) > 0 ? a : b);
    }

    private static List<String> net(int... third) {
        List<String> networks = new ArrayList<>();
        for (int octet : third) {
            networks.add("198.18." + octet + ".");
        }
        return networks;
    }

    @Test
    void noMessageExpiresAndNoSpamIsAcceptedWhileThePrimaryIsUp() {
        Duration often = Duration.ofHours(4);
        Way first = Way.TO_THE_PRIMARY_FIRST;
        Way grey = Way.TO_A_PRIMARY_THAT_GREYLISTS;
        Way cut = Way.NEVER_TO_THE_PRIMARY;
        List<Sender> senders = List.of(
                new Sender("postfix", new Postfix(), first, net(1), often),
                new Sender("exim", new Exim(), first, net(2), often),
                new Sender("haraka", new Haraka(), first, net(3), often),
                new Sender("gmail", new GmailLike(), first, net(4, 5, 6, 7), often),
                new Sender("plain", new Plain(), first, net(8), often),
                new Sender("grey-postfix", new Postfix(), grey, net(41), often),
                new Sender("grey-exim", new Exim(), grey, net(42), often),
                new Sender("grey-haraka", new Haraka(), grey, net(43), often),
                new Sender("grey-gmail", new GmailLike(), grey, net(44, 45, 46, 47), often),
                new Sender("cut-postfix", new Postfix(), cut, net(11), often),
                new Sender("cut-exim", new Exim(), cut, net(12), often),
                new Sender("cut-haraka", new Haraka(), cut, net(13), often),
                new Sender("cut-gmail", new GmailLike(), cut, net(14, 15, 16, 17), often),
                new Sender("cut-plain", new Plain(), cut, net(18), often),
                new Sender("spam-once", new Once(), Way.TO_US_ALONE, net(21, 22, 23, 24, 25), Duration.ofMinutes(30)),
                new Sender("spam-thrice", new ThreeInAMinute(), Way.TO_US_ALONE, net(31), Duration.ofMinutes(30)));
        plan(senders);
        int legitimate = (int)
                queue.stream().filter(message -> !message.sender.isSpammer()).count();
        engine.builder
                .mode(DomainMode.MONITORING)
                .relayDomains(RelayDomains.of(List.of(
                        RelayDomain.of("example.test").withNextHops(List.of(NextHop.parse("127.0.0.50:2500"))))));
        engine.start();
        for (Message message = queue.poll(); message != null; message = queue.poll()) {
            advance(message.due);
            attempt(message);
        }
        advance(engine.time.now().plus(Duration.ofDays(1)));

        assertThat(expired).isEmpty();
        assertThat(spamWhileUp).isEmpty();
        assertThat(toUs.keySet()).as("spammers met outages, too").contains("spam-once", "spam-thrice");
        assertThat(toPrimary.values().stream().mapToInt(n -> n).sum()
                        + toUs.entrySet().stream()
                                .filter(entry -> !entry.getKey().startsWith("spam"))
                                .mapToInt(entry -> entry.getValue())
                                .sum())
                .isEqualTo(legitimate);
        assertThat(engine.client.relayed().stream()
                        .map(relayed -> relayed.recipient().toString())
                        .collect(Collectors.toSet()))
                .as("all that we accepted is with the primary")
                .hasSize(toUs.values().stream().mapToInt(n -> n).sum());
        System.out.println(
                "month of senders: " + toPrimary + " to the primary, " + toUs + " to us, longest " + longest);
        engine.stop();
    }
}
