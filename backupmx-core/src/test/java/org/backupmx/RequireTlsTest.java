package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.backupmx.event.CapabilityRefused;
import org.backupmx.event.RescueBegun;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.testkit.SpoolActions;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.RescueHosts;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** REQUIRETLS (RFC 8689, rows F11, X12 and N6): promised only where it is kept, and kept or held, never broken. */
class RequireTlsTest {

    private static final String MAIL = "Subject: x\r\n\r\nbody\r\n";
    private static final NextHop PRIMARY = NextHop.parse("127.0.0.50:2500");
    private static final Duration DAY = Duration.ofDays(1);
    private static final TlsPolicy FINGERPRINT = TlsPolicy.fingerprint("ab".repeat(32));
    private static final String[] LACKING = {"PIPELINING", "SMTPUTF8"};
    private static final String[] OFFERING = {"PIPELINING", "SMTPUTF8", "REQUIRETLS"};

    private final HistoryStore store = HistoryStore.inMemory(10_000);
    private VirtualEngine engine = engine(new VirtualEngine(), TlsPolicy.verify());

    private VirtualEngine engine(VirtualEngine made, TlsPolicy policy) {
        made.builder
                .historyStore(store)
                .relayDomains(RelayDomains.of(List.of(
                        RelayDomain.of("example.test")
                                .withNextHops(List.of(PRIMARY))
                                .withRelaySettings(with(policy)),
                        RelayDomain.of("sender.test")
                                .withNextHops(List.of(NextHop.parse("127.0.0.51:2500")))
                                .withRelaySettings(with(TlsPolicy.verify())),
                        RelayDomain.of("byname.test").withRelaySettings(with(TlsPolicy.verify())))));
        return made;
    }

    private static RelaySettings with(TlsPolicy policy) {
        return RelaySettings.defaults().withTls(policy);
    }

    private void start() {
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
    }

    private static MailParameters requireTls() {
        return new MailParameters(-1, BodyType.SEVEN_BIT, false, DsnParameters.none(), true);
    }

    private FakeIntakeServer.Client secured() {
        FakeIntakeServer.Client client = engine.server.connect();
        client.session().secured("TLSv1.3", "TLS_AES_256_GCM_SHA384");
        client.helo("client.example.com");
        return client;
    }

    private String rcpt(String recipient) {
        FakeIntakeServer.Client client = secured();
        assertThat(client.mail("a@sender.test", requireTls()).reply().code()).isEqualTo(250);
        return client.rcpt(recipient).reply().toString();
    }

    private boolean isOffered() {
        engine.time.advance(Duration.ofSeconds(10));
        return secured().session().offersRequireTls();
    }

    private void accept(String from, MailParameters parameters) {
        FakeIntakeServer.Client client = secured();
        client.mail(from, parameters);
        assertThat(client.rcpt("u@example.test")).isInstanceOf(Verdict.Accept.class);
        assertThat(client.data(MAIL)).isInstanceOf(Verdict.Accept.class);
        engine.time.run();
    }

    private void accept() {
        accept("a@sender.test", requireTls());
    }

    private List<RelayRequest> attempts() {
        return engine.client.attempts();
    }

    // ---- what is promised

    @ParameterizedTest
    @CsvSource({
        "none,        true,  550 5.7.30",
        "may,         true,  550 5.7.30",
        "encrypt,     true,  550 5.7.30",
        "verify,      true,  250 2.1.5",
        "verify,      false, 550 5.7.30",
        "fingerprint, true,  250 2.1.5",
        "fingerprint, false, 550 5.7.30",
    })
    void f11_theDomainsPolicyAndThePrimaryDecide(String policy, boolean isOffered, String reply) {
        for (boolean isUp : new boolean[] {true, false}) {
            engine = engine(
                    new VirtualEngine(),
                    switch (policy) {
                        case "none" -> TlsPolicy.none();
                        case "may" -> TlsPolicy.may();
                        case "encrypt" -> TlsPolicy.encrypt();
                        case "verify" -> TlsPolicy.verify();
                        default -> FINGERPRINT;
                    });
            engine.client.extensionsInTls(isOffered ? OFFERING : LACKING);
            start();
            if (!isUp) {
                engine.client.allDown();
                engine.time.advance(Duration.ofHours(5));
            }
            assertThat(rcpt("u@example.test")).as("up %s", isUp).startsWith(reply);
            engine.stop();
        }
    }

    /** What shows who a host is has to be written down: the DNS could name any. */
    @ParameterizedTest
    @CsvSource({"verify, 550 5.7.30", "verify with names, 250 2.1.5", "fingerprint, 250 2.1.5", "encrypt, 550 5.7.30"})
    void f11_aPrimaryThatIsFoundInTheDnsHasToBeKnownOtherwise(String policy, String reply) {
        engine.builder.relayDomains(RelayDomains.of(List.of(RelayDomain.of("byname.test")
                .withRelaySettings(with(
                        switch (policy) {
                            case "verify" -> TlsPolicy.verify();
                            case "verify with names" -> TlsPolicy.verify().withNames("mx.byname.test");
                            case "fingerprint" -> FINGERPRINT;
                            default -> TlsPolicy.encrypt();
                        })))));
        engine.client.extensionsInTls(OFFERING);
        start();
        assertThat(rcpt("u@byname.test")).startsWith(reply);
    }

    @Test
    void f11_whatIsNotKnownIsDeferredAndAskedFor() {
        engine.client.allDown();
        start();
        engine.time.advance(Duration.ofHours(1));
        assertThat(rcpt("u@example.test")).startsWith("450 4.7.30");
        engine.client.extensionsInTls(OFFERING);
        engine.client.allUp();
        int probes = engine.client.probes().size();
        assertThat(rcpt("u@example.test")).as("just asked").startsWith("450 4.7.30");
        assertThat(engine.client.probes()).hasSize(probes);
        engine.time.advance(Duration.ofSeconds(30));
        assertThat(engine.client.probes())
                .as("not before somebody wants to know")
                .hasSize(probes);
        assertThat(rcpt("u@example.test")).startsWith("450 4.7.30");
        engine.time.run();
        assertThat(engine.client.probes()).hasSize(probes + 1);
        assertThat(rcpt("u@example.test")).startsWith("250 2.1.5");
    }

    @Test
    void f11_anAnswerInClearTextSaysNothing() {
        engine.client.extensions(OFFERING);
        start();
        assertThat(rcpt("u@example.test")).startsWith("450 4.7.30");
        engine.client.extensionsInTls(OFFERING);
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(rcpt("u@example.test")).startsWith("250 2.1.5");
        engine.client.extensions(LACKING); // asked by another domain, without TLS
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(rcpt("u@example.test")).startsWith("250 2.1.5");
    }

    @Test
    void f11_withoutTlsThereIsNone() {
        engine.client.extensionsInTls(OFFERING);
        start();
        FakeIntakeServer.Client client = engine.server.connect();
        assertThat(client.mail("a@sender.test", requireTls()).reply().toString())
                .startsWith("530 5.7.10");
    }

    /** The bare postmaster may be at a domain that is none of ours: the way there is not one that we can answer for. */
    @Test
    void f11_postmasterElsewhereDoesNotGetIt() {
        engine.builder.postmaster(Mailbox.parse("postmaster@elsewhere.test"));
        engine.resolver.mx("elsewhere.test", "10 mx.elsewhere.test").host("mx.elsewhere.test", "9.9.9.20");
        start();
        for (int minute = 0; minute < 3; minute++) {
            FakeIntakeServer.Client client = secured();
            client.mail("a@sender.test", requireTls());
            assertThat(client.postmaster().reply().toString()).startsWith("550 5.7.30 ");
            engine.time.advance(Duration.ofMinutes(1));
        }
        assertThat(engine.client.probes().toString()).as("nor is it watched").doesNotContain("9.9.9.20");
    }

    @Test
    void f11_otherMailIsTakenAsBefore() {
        engine.client.allDown();
        start();
        FakeIntakeServer.Client client = secured();
        client.mail("a@sender.test");
        assertThat(client.rcpt("u@example.test").reply().code()).isEqualTo(250);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void n6_itIsOfferedIfADomainHasIt(boolean isOffered) {
        engine.client.extensionsInTls(isOffered ? OFFERING : LACKING);
        start();
        assertThat(isOffered()).isEqualTo(isOffered);
        engine.client.extensionsInTls(isOffered ? LACKING : OFFERING);
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(isOffered()).isEqualTo(!isOffered);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void n6_whatIsKnownOutlivesARestart(boolean isOffered) {
        engine.client.extensionsInTls(isOffered ? OFFERING : LACKING);
        start();
        engine.stop();
        engine = engine(new VirtualEngine(engine.time, engine.spool.another()), TlsPolicy.verify());
        engine.client.allDown();
        start();
        assertThat(rcpt("u@example.test")).startsWith(isOffered ? "250 2.1.5" : "550 5.7.30");
        assertThat(isOffered()).isEqualTo(isOffered);
    }

    @Test
    void n6_linesOfAnEarlierReleaseSayNothingOfIt() throws Exception {
        start();
        engine.stop();
        String before = store.read("limits", Instant.MIN, Instant.MAX).get(0).text();
        assertThat(before).endsWith(" -");
        store.append("limits", List.of(new HistoryEntry(engine.time.now(), before.substring(0, before.length() - 2))));
        engine = engine(new VirtualEngine(engine.time, engine.spool.another()), TlsPolicy.verify());
        engine.client.allDown();
        start();
        assertThat(rcpt("u@example.test")).startsWith("450 4.7.30");
    }

    // ---- what is kept

    @Test
    void x12_itGoesWithTheMessage() {
        engine.client.extensionsInTls(OFFERING);
        start();
        accept();
        assertThat(attempts()).singleElement().satisfies(request -> {
            assertThat(request.envelope().requireTls()).isTrue();
            assertThat(request.settings().tls()).isEqualTo(TlsPolicy.verify());
        });
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void x12_whatThePrimaryOffersNoMoreIsTriedForADay() {
        engine.client.extensionsInTls(OFFERING);
        start();
        accept("a@sender.test", MailParameters.none());
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(1));
        accept();
        engine.client.extensionsInTls(LACKING);
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(23));
        assertThat(engine.mx.undelivered().deadLettered()).isZero();
        assertThat(engine.events.events(CapabilityRefused.class)).hasSize(1);
        engine.time.advance(Duration.ofHours(3));
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
        assertThat(engine.client.relayed()).hasSize(1);
    }

    /** The operator has loosened the policy, or the domain's next hops are found in the DNS by now. */
    @ParameterizedTest
    @ValueSource(strings = {"encrypt", "by DNS"})
    void x12_aWayThatIsNotAuthenticatedAnyMoreIsNotTaken(String change) throws Exception {
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(1));
        accept();
        engine.stop();
        engine = engine(new VirtualEngine(engine.time, engine.spool.another()), TlsPolicy.encrypt());
        if (change.equals("by DNS")) {
            engine.resolver.mx("example.test", "10 mx.example.test").host("mx.example.test", "9.9.9.11");
            engine.builder.relayDomains(RelayDomains.of(
                    List.of(RelayDomain.of("example.test").withRelaySettings(with(TlsPolicy.verify())))));
        }
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.time.advance(Duration.ofHours(5));
        assertThat(attempts()).isEmpty();
        assertThat(engine.mx.snapshot().queued()).isOne();
        engine.stop();
        engine = engine(new VirtualEngine(engine.time, engine.spool.another()), TlsPolicy.verify());
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.time.advance(Duration.ofHours(5));
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void x12_anotherHostInThePrimarysPlaceDoesNotGetIt() {
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.client.down("127.0.0.50");
        engine.time.advance(Duration.ofHours(1));
        accept();
        engine.mx.queue().redirect(MailDomain.of("example.test"), NextHop.parse("127.0.0.60:2525"), "me");
        engine.time.advance(Duration.ofHours(3));
        assertThat(attempts())
                .noneMatch(request -> request.nextHop().nextHop().host().equals("127.0.0.60"));
        assertThat(rcpt("u@example.test")).startsWith("450 4.7.30");
        engine.mx.queue().endRedirect(MailDomain.of("example.test"), "me");
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(3));
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void x12_eachHostOfThePrimaryIsAsked() {
        engine.resolver.host("one.test", "9.9.9.1").host("two.test", "9.9.9.2");
        engine.builder.relayDomains(RelayDomains.of(List.of(RelayDomain.of("example.test")
                .withNextHops(List.of(NextHop.parse("one.test"), NextHop.parse("two.test")))
                .withRelaySettings(with(TlsPolicy.verify())))));
        engine.client.script(request -> {
            engine.client.extensionsInTls(request.nextHop().nextHop().host().equals("one.test") ? LACKING : OFFERING);
            return engine.client.answer(request);
        });
        engine.client.extensionsInTls(OFFERING);
        start();
        accept();
        assertThat(engine.client.relayed())
                .singleElement()
                .satisfies(mail -> assertThat(mail.nextHop().nextHop().host()).isEqualTo("two.test"));
    }

    // ---- where it does not go

    private UndeliveredPolicy rescuing() {
        return UndeliveredPolicy.standard()
                .withRescueHosts(RescueHosts.of(NextHop.parse("127.0.0.60")))
                .withExpiry(ExpiryAction.rescue())
                .withContentRefusal(ContentRefusal.RESCUE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void n6_rescueHostsDoNotGetIt(boolean isExpired) {
        engine.builder.retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY)).undelivered(rescuing());
        engine.client.extensionsInTls(OFFERING);
        start();
        if (isExpired) {
            engine.client.down("127.0.0.50");
            engine.time.advance(Duration.ofMinutes(30));
        } else {
            engine.client.script(request -> {
                boolean isPrimary = request.nextHop().nextHop().host().equals("127.0.0.50");
                engine.client.reply(
                        ForwardPath.parse("u@example.test"),
                        isPrimary ? SmtpReply.of(554, "5.7.1", "Spam") : SmtpReply.of(250, "2.0.0", "Ok"));
                return engine.client.answer(request);
            });
        }
        accept();
        accept("a@sender.test", MailParameters.none());
        engine.time.advance(DAY.multipliedBy(3));
        assertThat(attempts())
                .filteredOn(request -> request.nextHop().nextHop().host().equals("127.0.0.60"))
                .as("other mail does")
                .isNotEmpty()
                .noneMatch(request -> request.envelope().requireTls());
        assertThat(engine.events.events(RescueBegun.class))
                .as("it is not even meant for them")
                .hasSize(1);
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
    }

    /** However it came to bear the mark of those that do. */
    @Test
    void n6_rescueHostsDoNotGetWhatIsMarkedForThemEither() throws Exception {
        Envelope envelope = Envelope.from(ReversePath.parse("a@sender.test"))
                .requireTls(true)
                .to(Recipient.of(ForwardPath.parse("u@example.test")))
                .build();
        Instant now = engine.time.now();
        SpoolActions.store(engine.spool, envelope, now, MAIL.getBytes(StandardCharsets.US_ASCII));
        SmtpReply mark = SmtpReply.of(451, "4.3.0", "In rescue since " + now + ": 554 5.7.1 Spam");
        SpoolLease lease = SpoolActions.leaseOne(engine.spool, "example.test", now);
        engine.spool.settle(lease, new Settlement(now, Map.of(0, new RecipientState.Deferred(mark, now)), now, true));
        engine.builder.undelivered(rescuing());
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.time.advance(DAY);
        assertThat(attempts()).isEmpty();
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
    }

    // ---- what is told of it

    private void verifiesAll() {
        engine.builder
                .senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))))
                .undelivered(UndeliveredPolicy.standard().withContentRefusal(ContentRefusal.DSN_IF_VERIFIED));
    }

    @Test
    void n6_aNotificationHasItTooAndNoMoreThanTheHeaderSection() {
        verifiesAll();
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        accept(
                "a@sender.test",
                new MailParameters(
                        -1, BodyType.SEVEN_BIT, false, DsnParameters.none().withRet(Ret.FULL), true));
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(attempts().get(attempts().size() - 1)).satisfies(request -> {
            assertThat(request.envelope().reversePath().isNull()).isTrue();
            assertThat(request.envelope().requireTls()).isTrue();
        });
        assertThat(engine.client.relayed())
                .singleElement()
                .satisfies(mail ->
                        assertThat(mail.mailData()).contains("Subject: x").doesNotContain("body\r\n"));
    }

    @Test
    void n6_whomItCannotBeToldSafelyIsNotTold() {
        verifiesAll();
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        engine.resolver.mx("stranger.test", "10 mx.stranger.test").host("mx.stranger.test", "9.9.9.12");
        accept("a@stranger.test", requireTls());
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
        assertThat(attempts())
                .noneMatch(request -> request.envelope().reversePath().isNull());
        accept("a@stranger.test", MailParameters.none());
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(attempts())
                .as("of other mail he is told")
                .anyMatch(request -> request.envelope().reversePath().isNull());
    }

    @Test
    void n6_aNotificationWhoseWayIsNotThereAnyMoreEndsHere() throws Exception {
        verifiesAll();
        engine.client.extensionsInTls(OFFERING);
        start();
        engine.client.down("127.0.0.51");
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        accept();
        engine.time.advance(Duration.ofHours(1));
        engine.client.extensionsInTls(LACKING);
        engine.client.allUp();
        engine.time.advance(Duration.ofDays(20));
        assertThat(engine.client.relayed()).isEmpty();
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(engine.mx.undelivered().dropped()).isOne();
    }
}
