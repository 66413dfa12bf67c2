package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.backupmx.dns.MxLookup;
import org.backupmx.event.MailRefused;
import org.backupmx.greylist.GreylistPolicy;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.HealthOverride.Kind;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.RecipientStatus;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows E2, E9 and X7: who is told to use the primary, how fresh the news of it is, and who is let in all the same. */
class MonitoringModeTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");
    private static final String USE_IT =
            "451 4.3.0 The primary mail server of example.test is available, please use it";
    private static final String OK = "250 2.1.5 Recipient ok";
    private static final String CLIENT = "192.0.2.10";

    private VirtualEngine engine = new VirtualEngine();

    @BeforeEach
    void monitor() {
        engine.builder.mode(DomainMode.MONITORING);
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private String rcpt(String recipient) {
        return rcpt(CLIENT, "a@sender.test", recipient);
    }

    private String rcpt(String client, String reversePath, String recipient) {
        FakeIntakeServer.Client connection = engine.server.connect(client);
        connection.mail(reversePath);
        return connection.rcpt(recipient).reply().toString();
    }

    private CompletionStage<Verdict> begin(String recipient) {
        FakeIntakeServer.Client connection = engine.server.connect();
        connection.mail("a@sender.test");
        return connection.session().rcpt(ForwardPath.parse(recipient), RcptParameters.none());
    }

    private static String reply(CompletionStage<Verdict> stage) {
        return stage.toCompletableFuture().join().reply().toString();
    }

    private long probes() {
        return engine.client.probes().stream()
                .filter(probe -> probe.nextHop().nextHop().host().equals("127.0.0.50"))
                .count();
    }

    private PrimaryHealth found(String domain) {
        return engine.mx.health().find(MailDomain.of(domain)).orElseThrow().found();
    }

    private void pass(Duration time) {
        engine.time.advance(time);
    }

    @Test
    void e2_whileThePrimaryIsUpItsMailIsLeftToIt() {
        engine.start();
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        assertThat(rcpt(CLIENT, "", "user@example.test")).isEqualTo(USE_IT);
        assertThat(rcpt("Postmaster@Example.TEST")).isEqualTo(USE_IT);
        assertThat(rcpt("abuse@example.test")).isEqualTo(USE_IT);
        engine.time.run();
        assertThat(engine.events.events(MailRefused.class)).hasSize(4);
        FakeIntakeServer.Client connection = engine.server.connect();
        connection.mail("a@sender.test");
        assertThat(connection.postmaster().reply()).as("our own").hasToString(OK);
    }

    @Test
    void e2_recipientsOfOtherDomainsInTheSameTransactionAreAccepted() {
        engine.client.down("mx.byname.test");
        engine.start();
        pass(Duration.ofMinutes(2));
        assertThat(found("byname.test")).isEqualTo(PrimaryHealth.DOWN);
        FakeIntakeServer.Client connection = engine.server.connect();
        connection.mail("a@sender.test");
        assertThat(connection.rcpt("user@byname.test").reply()).hasToString(OK);
        assertThat(connection.rcpt("user@example.test").reply()).hasToString(USE_IT);
        assertThat(connection.rcpt("other@byname.test").reply()).hasToString(OK);
        assertThat(connection.data("Subject: x\r\n\r\n")).isInstanceOf(Verdict.Accept.class);
        engine.client.allUp();
        pass(Duration.ofMinutes(2));
        assertThat(engine.client.relayed())
                .extracting(relayed -> relayed.recipient().toString())
                .containsExactlyInAnyOrder("user@byname.test", "other@byname.test");
    }

    @Test
    void e2_onlyUpKeepsMailOut() {
        engine.start();
        engine.client.down("mx.byname.test");
        pass(Duration.ofMinutes(1));
        rcpt("user@byname.test");
        assertThat(found("byname.test")).isEqualTo(PrimaryHealth.DEGRADED);
        assertThat(rcpt("user@byname.test")).isEqualTo(OK);
        engine.client.refuse("mx.byname.test", SmtpReply.of(554, "5.3.2", "No"));
        pass(Duration.ofMinutes(2));
        assertThat(found("byname.test")).isEqualTo(PrimaryHealth.REJECTING);
        assertThat(rcpt("user@byname.test")).isEqualTo(OK);
        engine.resolver.lookup("byname.test", new MxLookup.TemporaryFailure("SERVFAIL"));
        pass(Duration.ofMinutes(20));
        assertThat(found("byname.test")).as("by its last good address").isEqualTo(PrimaryHealth.REJECTING);
        engine.resolver.lookup("byname.test", new MxLookup.NullMx());
        pass(Duration.ofMinutes(20));
        assertThat(found("byname.test")).isEqualTo(PrimaryHealth.UNKNOWN);
        assertThat(rcpt("user@byname.test")).isEqualTo(OK);
    }

    @Test
    void e2_aDomainsOwnModeComesFirst() {
        List<NextHop> primary = List.of(NextHop.parse("127.0.0.50:2500"));
        RelayDomains domains = RelayDomains.of(List.of(
                RelayDomain.of("example.test").withNextHops(primary),
                RelayDomain.of("second.test").withNextHops(primary).withMode(DomainMode.ALWAYS)));
        engine.builder.relayDomains(domains);
        engine.start();
        pass(Duration.ofMinutes(2));
        long before = probes();
        assertThat(rcpt("user@second.test")).isEqualTo(OK);
        assertThat(probes()).as("nobody was asked").isEqualTo(before);
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        assertThat(probes()).isEqualTo(before + 1);
    }

    @Test
    void e2_whatIsRefusedForGoodStaysSo() {
        List<NextHop> primary = List.of(NextHop.parse("127.0.0.50:2500"));
        engine.builder.relayDomains(RelayDomains.of(List.of(
                RelayDomain.of("example.test").withNextHops(primary).withMaxMessageBytes(100_000),
                RelayDomain.of("second.test").withNextHops(primary).withTlsRequired(true))));
        engine.start();
        assertThat(rcpt("user@foreign.test")).startsWith("550 5.7.1");
        assertThat(rcpt("user%else@example.test")).startsWith("550 5.7.1");
        assertThat(rcpt("user@second.test")).startsWith("451 4.7.10");
        FakeIntakeServer.Client connection = engine.server.connect();
        connection.mail("a@sender.test", new MailParameters(200_000, BodyType.SEVEN_BIT, false, DsnParameters.none()));
        assertThat(connection.rcpt("user@example.test").reply().toString()).startsWith("552 5.3.4");
    }

    @Test
    void e2_whoIsKeptOutCostsNoPolicyAndLearnsNothing() {
        AtomicInteger asked = new AtomicInteger();
        engine.builder.recipientPolicy(mailbox -> {
            asked.incrementAndGet();
            return RecipientStatus.UNKNOWN;
        });
        engine.builder.greylist((triplet, now) -> {
            throw new IllegalStateException("asked");
        });
        engine.start();
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        assertThat(asked).hasValue(0);
        engine.client.allDown();
        pass(Duration.ofMinutes(2));
        assertThat(rcpt("user@example.test")).startsWith("550 5.1.1");
        assertThat(asked).hasValue(1);
    }

    @Test
    void e2_greylistingComesAfterTheGate() {
        engine.builder.greylist(GreylistPolicy.inMemory(Duration.ofMinutes(5)));
        engine.start();
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        engine.client.allDown();
        pass(Duration.ofMinutes(20));
        assertThat(rcpt("user@example.test")).startsWith("450 4.7.1");
        pass(Duration.ofMinutes(5));
        assertThat(rcpt("user@example.test")).isEqualTo(OK);
    }

    @Test
    void e9_theFirstRecipientWaitsForTheFirstProbe() {
        engine.client.stallProbes();
        engine.start();
        CompletionStage<Verdict> asked = begin("user@example.test");
        pass(Duration.ofSeconds(4));
        assertThat(asked.toCompletableFuture()).isNotDone();
        engine.client.resume();
        engine.time.run();
        assertThat(reply(asked)).isEqualTo(USE_IT);
    }

    @Test
    void e9_whoWaitsFiveSecondsInVainIsAccepted() {
        engine.client.stallProbes();
        engine.start();
        CompletionStage<Verdict> first = begin("user@example.test");
        pass(Duration.ofMillis(4_999));
        assertThat(first.toCompletableFuture()).isNotDone();
        pass(Duration.ofMillis(1));
        assertThat(reply(first)).isEqualTo(OK);
    }

    @Test
    void e9_anAnswerOlderThanAMinuteIsAskedForAgainOnceForAll() {
        engine.start();
        pass(Duration.ofSeconds(59));
        long before = probes();
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        assertThat(probes()).isEqualTo(before);
        pass(Duration.ofSeconds(1));
        engine.client.stallProbes();
        List<CompletionStage<Verdict>> asked = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            asked.add(begin("user" + i + "@" + (i % 2 == 0 ? "example.test" : "second.test")));
            engine.time.run();
        }
        assertThat(probes()).isEqualTo(before + 1);
        assertThat(asked).noneMatch(stage -> stage.toCompletableFuture().isDone());
        engine.client.resume();
        engine.time.run();
        assertThat(asked).allMatch(stage -> reply(stage).startsWith("451 4.3.0"));
        assertThat(probes()).isEqualTo(before + 1);
    }

    @Test
    void e9_theFirstRecipientAfterAMinuteFindsTheOutage() {
        engine.start();
        engine.client.allDown();
        pass(Duration.ofSeconds(60));
        assertThat(rcpt("user@example.test")).isEqualTo(OK);
    }

    @Test
    void e9_whoTriesTwiceIsNotRefusedTwiceForWantOfAProbe() {
        engine.start();
        pass(Duration.ofSeconds(25));
        engine.client.allDown();
        assertThat(rcpt("user@example.test")).as("known for less than a minute").isEqualTo(USE_IT);
        pass(Duration.ofSeconds(10));
        assertThat(rcpt("192.0.2.99", "b@sender.test", "user@example.test"))
                .as("the same network, domain and recipient")
                .isEqualTo(OK);
    }

    @Test
    void e9_withoutProbesOnlyADeliveryOfTheLastMinuteKeepsMailOut() {
        engine.builder.healthProbe(HealthProbe.off());
        engine.start();
        FakeIntakeServer.Client client = engine.server.connect();
        client.send("a@sender.test", "Subject: x\r\n\r\n", "user@example.test");
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        pass(Duration.ofSeconds(60));
        assertThat(rcpt("user@example.test")).isEqualTo(OK);
    }

    @Test
    void e2_dnsFailureAccepts() {
        engine.resolver.lookup("byname.test", new MxLookup.TemporaryFailure("SERVFAIL"));
        engine.start();
        assertThat(rcpt("user@byname.test")).isEqualTo(OK);
    }

    @Test
    void e2_whatAnOperatorOrdersDecides() {
        engine.start();
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.FORCE_DOWN));
        assertThat(rcpt("user@example.test")).isEqualTo(OK);
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.HOLD));
        assertThat(rcpt("user@example.test")).as("as found").isEqualTo(USE_IT);
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.FORCE_UP));
        engine.client.allDown();
        pass(Duration.ofMinutes(5));
        assertThat(rcpt("user@example.test")).isEqualTo(USE_IT);
        Instant now = engine.time.now();
        engine.mx.health().maintain(DOMAIN, new MaintenanceWindow(now, now.plusSeconds(3600)));
        assertThat(rcpt("user@example.test")).as("maintenance comes first").isEqualTo(OK);
        engine.mx.health().endMaintenance(DOMAIN);
        engine.mx.health().override(DOMAIN, HealthOverride.auto());
        assertThat(rcpt("user@example.test")).isEqualTo(OK);
    }

    /** Tries at these minutes of the virtual time from now on, and returns what the last try got. */
    private String tries(Supplier<String> attempt, double... minutes) {
        Instant begin = engine.time.now();
        String last = "";
        for (double minute : minutes) {
            pass(Duration.between(engine.time.now(), begin.plusMillis((long) (minute * 60_000))));
            last = attempt.get();
        }
        return last;
    }

    private String user() {
        return rcpt("user@example.test");
    }

    @Test
    void x7_theThirdAttemptHalfAnHourAfterTheFirstIsLetIn() {
        engine.start();
        assertThat(tries(this::user, 0, 10, 29.9)).isEqualTo(USE_IT);
        assertThat(user()).as("sooner than a minute after").isEqualTo(USE_IT);
        assertThat(tries(this::user, 0.2))
                .as("three have come, and now it is half an hour")
                .isEqualTo(OK);
        assertThat(user()).as("from now on").isEqualTo(OK);
        assertThat(tries(() -> rcpt("other@example.test"), 0, 40))
                .as("the second")
                .isEqualTo(USE_IT);
        assertThat(tries(() -> rcpt("other@example.test"), 1)).isEqualTo(OK);
    }

    @Test
    void x7_whatComesWithinAMinuteIsOneAttempt() {
        engine.start();
        assertThat(tries(this::user, 0, 0.3, 0.6, 0.9, 31)).isEqualTo(USE_IT);
        assertThat(tries(this::user, 1)).isEqualTo(OK);
    }

    @Test
    void x7_whoHasMailAllTheTimeGetsInAsWell() {
        engine.start();
        String last = "";
        for (int i = 0; i <= 60; i++) {
            last = user();
            assertThat(last).isEqualTo(i < 60 ? USE_IT : OK);
            pass(Duration.ofSeconds(30));
        }
    }

    @Test
    void x7_aClientIsItsNetworkItsDomainAndItsRecipient() {
        engine.start();
        tries(() -> rcpt("192.0.2.1", "bounce-1@sender.test", "user@example.test"), 0, 20);
        pass(Duration.ofMinutes(20));
        assertThat(rcpt("192.0.3.1", "bounce-1@sender.test", "user@example.test"))
                .isEqualTo(USE_IT);
        assertThat(rcpt("192.0.2.1", "bounce-1@else.test", "user@example.test")).isEqualTo(USE_IT);
        assertThat(rcpt("192.0.2.1", "", "user@example.test")).isEqualTo(USE_IT);
        assertThat(rcpt("192.0.2.1", "bounce-1@sender.test", "user2@example.test"))
                .isEqualTo(USE_IT);
        assertThat(rcpt("192.0.2.1", "bounce-1@sender.test", "user@second.test"))
                .startsWith("451 4.3.0");
        assertThat(rcpt("192.0.2.254", "bounce-2@SENDER.test", "USER@example.test"))
                .isEqualTo(OK);

        tries(() -> rcpt("2001:db8:0:1::1", "", "user@example.test"), 0, 20);
        pass(Duration.ofMinutes(20));
        assertThat(rcpt("2001:db8:0:2::1", "", "user@example.test")).isEqualTo(USE_IT);
        assertThat(rcpt("2001:db8:0:1:ffff::2", "", "user@example.test")).isEqualTo(OK);
    }

    @Test
    void x7_attemptsDuringAnOutageDoNotCount() {
        engine.start();
        user();
        engine.client.allDown();
        pass(Duration.ofMinutes(10));
        assertThat(tries(this::user, 0, 10, 20, 30)).isEqualTo(OK);
        engine.client.allUp();
        pass(Duration.ofMinutes(10));
        assertThat(found("example.test")).isEqualTo(PrimaryHealth.UP);
        assertThat(user()).as("the second that counts").isEqualTo(USE_IT);
        assertThat(tries(this::user, 1)).isEqualTo(OK);
    }

    @Test
    void x7_isForgottenAfterTwoDays() {
        engine.start();
        tries(this::user, 0, 20);
        pass(Duration.ofDays(2));
        assertThat(user()).isEqualTo(USE_IT);
        assertThat(tries(this::user, 20)).isEqualTo(USE_IT);
    }

    private VirtualEngine restarted(HistoryStore store) {
        engine.stop();
        VirtualEngine next = engine.restarted();
        next.builder.mode(DomainMode.MONITORING).historyStore(store);
        next.start();
        return next;
    }

    @Test
    void x7_survivesARestart() throws HistoryException {
        HistoryStore store = HistoryStore.inMemory(1_000_000);
        engine.builder.historyStore(store);
        engine.start();
        tries(this::user, 0, 20);
        engine = restarted(store);
        pass(Duration.ofMinutes(10));
        assertThat(user()).isEqualTo(OK);
        engine = restarted(store);
        assertThat(user()).as("it stays let in").isEqualTo(OK);
        assertThat(store.series()).contains("attempts");
        pass(Duration.ofHours(49));
        engine = restarted(store);
        assertThat(store.series()).as("what is old goes").doesNotContain("attempts");
        assertThat(user()).isEqualTo(USE_IT);
    }

    @Test
    void x7_isWrittenBesideTheIntake() {
        AtomicInteger calls = new AtomicInteger();
        engine.builder.historyStore(new BrokenHistory(calls));
        engine.start();
        int atStart = calls.get();
        for (int i = 0; i < 50; i++) {
            assertThat(rcpt("user" + i + "@example.test")).isEqualTo(USE_IT);
        }
        assertThat(calls).as("by the intake").hasValue(atStart);
        pass(Duration.ofSeconds(10));
        assertThat(calls).as("in one batch").hasValue(atStart + 1);
        assertThat(tries(this::user, 0, 10, 31))
                .as("a store that fails stops nobody")
                .isEqualTo(OK);
    }

    /** Counts what it is asked about attempts, and fails. */
    private record BrokenHistory(AtomicInteger calls) implements HistoryStore {
        private HistoryException fault(String series) {
            if (series.equals("attempts")) {
                calls.incrementAndGet();
            }
            return new HistoryException("broken");
        }

        @Override
        public void append(String series, List<HistoryEntry> entries) throws HistoryException {
            throw fault(series);
        }

        @Override
        public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
            throw fault(series);
        }

        @Override
        public Optional<HistoryEntry> last(String series) throws HistoryException {
            throw fault(series);
        }

        @Override
        public void replace(String series, Instant before, List<HistoryEntry> entries) throws HistoryException {
            throw fault(series);
        }

        @Override
        public Set<String> series() throws HistoryException {
            throw fault("");
        }

        @Override
        public void remove(String series) throws HistoryException {
            throw fault(series);
        }

        @Override
        public void close() {}
    }

    @Test
    void t5_tenThousandAttemptsOfSpammersAreAllKeptOut() {
        engine.start();
        int accepted = 0;
        for (int i = 0; i < 10_000; i++) {
            String client = "198." + (18 + i % 2) + "." + (i / 2) % 250 + "." + i % 200;
            accepted += rcpt(client, "x@spam" + i + ".test", "user" + i % 50 + "@example.test")
                            .startsWith("250")
                    ? 1
                    : 0;
            pass(Duration.ofMillis(500));
        }
        assertThat(accepted).isZero();
    }
}
