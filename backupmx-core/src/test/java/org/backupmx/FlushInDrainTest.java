package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.InMemorySpool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Row G3: a flush of a domain means all of its mail, what a drain under way has attempted already included. */
class FlushInDrainTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");
    private static final ForwardPath LATE = ForwardPath.parse("late@example.test");
    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");
    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    /** Six messages a minute, so that the drain of 300 takes an hour; the first of them is deferred for two. */
    private void drain() {
        engine.builder
                .relayDomains(RelayDomains.of(List.of(RelayDomain.of("example.test")
                        .withNextHops(List.of(NextHop.parse("127.0.0.50:2500")))
                        .withDeliveryRate(DeliveryRate.unlimited().withMessagesPerMinute(6)))))
                .retryPolicy(RetryPolicy.intervals(Duration.ofHours(2)));
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        accept(LATE.toString());
        for (int i = 0; i < 300; i++) {
            accept("user" + i + "@example.test");
        }
        engine.client.reply(LATE, LATER);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(attemptsOfLate()).isOne();
        engine.client.reply(LATE, OK);
    }

    private void accept(String recipient) {
        engine.server.connect().send("a@sender.test", "x\r\n", recipient);
    }

    private long attemptsOfLate() {
        return engine.client.attempts().stream()
                .filter(attempt -> attempt.recipients().get(0).path().equals(LATE))
                .count();
    }

    private boolean isLateRelayed() {
        return engine.client.relayed().stream()
                .anyMatch(mail -> mail.recipient().equals(LATE));
    }

    @Test
    void aDomainThatIsFlushedHasAllOfItsMailAttemptedAgain() throws Exception {
        drain();
        engine.mx.queue().flush(DOMAIN);
        engine.time.advance(Duration.ofMinutes(60));
        assertThat(isLateRelayed()).isTrue();
        assertThat(engine.client.relayed()).hasSize(301);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    /** Whether it waits in the spool, is leased already, or was attempted by this drain: six a minute, so each next one goes within 10 s. */
    @ParameterizedTest
    @ValueSource(strings = {"user299", "user200", "user60", "late"})
    void aMessageThatIsFlushedAloneGoesNext(String user) throws Exception {
        drain();
        ForwardPath recipient = ForwardPath.parse(user + "@example.test");
        int before = engine.client.attempts().size();
        assertThat(engine.mx.queue().flush(idOf(recipient))).isTrue();
        engine.time.advance(Duration.ofSeconds(21));
        List<ForwardPath> next = nextAttempts(before);
        assertThat(next).hasSizeBetween(1, 3).contains(recipient);
        assertThat(next.subList(0, Math.min(2, next.size()))).contains(recipient);
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.client.relayed()).hasSize(user.equals("late") ? 301 : 300);
    }

    @Test
    void thoseThatAreFlushedTogetherGoNextInTheirOrder() throws Exception {
        drain();
        List<ForwardPath> wanted = List.of(299, 250, 70).stream()
                .map(i -> ForwardPath.parse("user" + i + "@example.test"))
                .toList();
        int before = engine.client.attempts().size();
        for (ForwardPath recipient : wanted) {
            engine.mx.queue().flush(idOf(recipient));
        }
        engine.time.advance(Duration.ofSeconds(41));
        assertThat(nextAttempts(before).subList(0, 4)).containsAll(wanted);
    }

    /** Of many, so many are leased as two batches are, and the rest goes before what was due already all the same. */
    @Test
    void manyThatAreFlushedTakeNoMoreLeasesThanTwoBatches() throws Exception {
        drain();
        int before = engine.client.attempts().size();
        for (int i = 299; i >= 40; i--) {
            engine.mx.queue().flush(idOf(ForwardPath.parse("user" + i + "@example.test")));
            if (i % 10 == 0) {
                engine.time.advance(Duration.ofSeconds(10));
            }
        }
        assertThat(leasable()).isGreaterThanOrEqualTo(50);
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.client.relayed()).hasSize(300);
        assertThat(nextAttempts(before).subList(0, 26))
                .doesNotHaveDuplicates()
                .allMatch(path -> path.toString().matches("<?user\\d{2,3}@.*"));
    }

    /** The spool fails just when what was flushed is looked for: nothing that waits is forgotten. */
    @Test
    void aSpoolThatFailsThenHidesNothing() throws Exception {
        drain();
        ForwardPath recipient = ForwardPath.parse("user60@example.test");
        SpoolId id = idOf(recipient);
        engine.spool.failNext(InMemorySpool.Call.LEASE, new SpoolException("disk on fire"));
        assertThat(engine.mx.queue().flush(id)).isTrue();
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.client.relayed())
                .hasSize(300)
                .anyMatch(mail -> mail.recipient().equals(recipient));
    }

    /** Returns how many messages nobody has leased; it leases them for a moment. */
    private int leasable() throws Exception {
        Instant now = engine.time.now();
        LeaseRequest all = new LeaseRequest(DOMAIN, now, Instant.MAX, now.plusMillis(1), 1_000);
        int leasable = engine.spool.lease(all).size();
        engine.time.advance(Duration.ofMillis(1));
        return leasable;
    }

    private List<ForwardPath> nextAttempts(int before) {
        return engine.client.attempts().stream()
                .skip(before)
                .map(attempt -> attempt.recipients().get(0).path())
                .toList();
    }

    private SpoolId idOf(ForwardPath recipient) throws Exception {
        return engine.mx.queue().find(SpoolFilter.all(), Optional.empty(), 1_000).stream()
                .filter(message ->
                        message.message().envelope().recipients().get(0).path().equals(recipient))
                .findFirst()
                .orElseThrow()
                .id();
    }

    @Test
    void withoutAWishItWaitsForItsTime() {
        drain();
        engine.time.advance(Duration.ofMinutes(60));
        assertThat(isLateRelayed()).isFalse();
        assertThat(attemptsOfLate()).isOne();
        engine.time.advance(Duration.ofMinutes(60));
        assertThat(isLateRelayed()).isTrue();
    }
}
