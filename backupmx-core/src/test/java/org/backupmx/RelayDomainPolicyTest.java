package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.greylist.GreylistPolicy;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.RecipientPolicy;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.spool.SpoolException;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a relay domain asks of its mail, and which domains are relay domains by what the DNS says; on virtual time. */
@Timeout(30)
class RelayDomainPolicyTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final List<NextHop> PRIMARY = List.of(NextHop.parse("127.0.0.50:2500"));

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private FakeIntakeServer.Client client() {
        return client("192.0.2.10");
    }

    private FakeIntakeServer.Client client(String address) {
        if (!engine.server.isRunning()) {
            engine.client.allDown();
            engine.start();
        }
        return engine.server.connect(address);
    }

    private static void assertReply(Verdict verdict, int code, String enhanced) {
        assertThat(verdict.reply().toString()).startsWith(code + " " + enhanced + " ");
    }

    private static RelayDomain domain(String name) {
        return RelayDomain.of(name).withNextHops(PRIMARY);
    }

    // ---- TLS ----

    @Test
    void n1_aDomainMayRequireTlsAndTheOthersGoOn() {
        engine.builder.relayDomains(
                RelayDomains.of(List.of(domain("secret.test").withTlsRequired(true), domain("example.test"))));
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("u@secret.test"), 451, "4.7.10");
        assertReply(client.rcpt("postmaster@secret.test"), 451, "4.7.10");
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
        assertReply(client.data(MAIL), 250, "2.0.0");
        client.session().secured("TLSv1.3", "TLS_AES_128_GCM_SHA256");
        client.helo("client.example.com");
        client.mail("a@b.test");
        assertReply(client.rcpt("u@secret.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
    }

    @Test
    void n2_afterTheHandshakeNothingSaidBeforeCounts() throws SpoolException {
        FakeIntakeServer.Client client = client();
        client.helo("before.example.com");
        client.mail("evil@b.test");
        client.rcpt("evil@example.test");
        client.session().secured("TLSv1.3", "TLS_AES_128_GCM_SHA256");
        client.session().helo("after.example.com", true);
        assertReply(client.send("a@b.test", MAIL, "u@example.test"), 250, "2.0.0");
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(engine.client.relayed())
                .singleElement()
                .satisfies(mail -> assertThat(mail.mailData())
                        .startsWith("Received: from after.example.com (")
                        .contains("(using TLSv1.3 with cipher TLS_AES_128_GCM_SHA256)", "with ESMTPS id")
                        .doesNotContain("before.example.com", "evil"));
    }

    // ---- size ----

    private static MailParameters sized(long bytes) {
        return new MailParameters(bytes, BodyType.SEVEN_BIT, false, DsnParameters.none());
    }

    private void sizedDomains() {
        engine.builder
                .maxMessageBytes(100_000)
                .relayDomains(RelayDomains.of(List.of(
                        domain("small.test").withMaxMessageBytes(10_000),
                        domain("example.test"),
                        domain("huge.test").withMaxMessageBytes(1_000_000))));
    }

    @Test
    void a7_theDeclaredSizeCountsAgainstEachDomain() {
        sizedDomains();
        FakeIntakeServer.Client client = client();
        assertReply(client.mail("a@b.test", sized(10_001)), 250, "2.1.0");
        assertReply(client.rcpt("u@small.test"), 552, "5.3.4");
        assertReply(client.rcpt("postmaster@small.test"), 552, "5.3.4");
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@huge.test"), 250, "2.1.5");
        assertReply(client.data("x".repeat(10_001)), 250, "2.0.0");
        assertReply(client.mail("a@b.test", sized(10_000)), 250, "2.1.0");
        assertReply(client.rcpt("u@small.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
        assertReply(client.mail("a@b.test", sized(100_001)), 552, "5.3.4");
    }

    @Test
    void a7_theLeastLimitCountsWhileReading() throws SpoolException {
        sizedDomains();
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test", sized(9_000)); // a lie
        client.rcpt("u@example.test");
        client.rcpt("u@small.test");
        assertReply(client.data("x".repeat(10_000), "x"), 552, "5.3.4");
        client.mail("a@b.test");
        client.rcpt("u@small.test");
        assertReply(client.data("x".repeat(5_000), "x".repeat(5_000)), 250, "2.0.0");
        client.mail("a@b.test");
        client.rcpt("u@small.test");
        assertReply(client.data("x".repeat(10_001)), 552, "5.3.4");
        client.mail("a@b.test");
        client.rcpt("u@huge.test");
        assertReply(client.data("x".repeat(100_001)), 552, "5.3.4");
        client.mail("a@b.test");
        client.rcpt("u@huge.test");
        assertReply(client.data("x".repeat(100_000)), 250, "2.0.0");
        assertThat(engine.mx.snapshot().queued()).isEqualTo(2);
    }

    @Test
    void a7_withoutADeclaredSizeRecipientsOfOtherLimitsHaveTheirOwnTransaction() {
        sizedDomains();
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("u@small.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@example.test"), 452, "4.5.3");
        assertReply(client.rcpt("v@small.test"), 250, "2.1.5");
        assertReply(client.data(MAIL), 250, "2.0.0");
        client.mail("a@b.test");
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@huge.test"), 250, "2.1.5"); // 100,000 for both
        assertReply(client.rcpt("u@small.test"), 452, "4.5.3");
    }

    @Test
    void a7_aLimitIsAtLeastOne() {
        assertThatThrownBy(() -> domain("a.test").withMaxMessageBytes(0))
                .hasMessage("maxMessageBytes: 0 (expected: >= 1)");
    }

    // ---- postmaster and abuse ----

    @Test
    void a17_postmasterAndAbusePassEveryListAndAreBounded() {
        engine.builder
                .recipientPolicy(RecipientPolicy.only(List.of(Mailbox.parse("known@example.test"))))
                .greylist(GreylistPolicy.inMemory(Duration.ofMinutes(5)));
        FakeIntakeServer.Client client = client();
        for (int i = 0; i < 20; i++) {
            client.mail("a" + i + "@b.test");
            assertReply(client.rcpt("postmaster@example.test"), 250, "2.1.5");
            assertReply(client.rcpt("ABUSE@second.test"), 250, "2.1.5");
            assertReply(client.postmaster(), 250, "2.1.5");
            assertReply(client.rcpt("admin@example.test"), 550, "5.1.1");
        }
        client.mail("a@b.test");
        assertReply(client.rcpt("postmaster@example.test"), 450, "4.7.28");
        assertReply(client.postmaster(), 450, "4.7.28");
        FakeIntakeServer.Client other = client("192.0.2.11");
        other.mail("a@b.test");
        assertReply(other.rcpt("postmaster@example.test"), 250, "2.1.5");
        engine.time.advance(Duration.ofMinutes(61));
        client.mail("a@b.test");
        assertReply(client.rcpt("postmaster@example.test"), 250, "2.1.5");
    }

    @Test
    void a17_oneMailboxIsBoundedForAllClientsTogether() {
        client();
        int taken = 0;
        for (int net = 0; net < 20; net++) {
            FakeIntakeServer.Client client = client("2001:db8:0:" + Integer.toHexString(net) + "::1");
            client.mail("a@b.test");
            for (int i = 0; i < 50; i++) {
                taken += client.rcpt("abuse@example.test") instanceof Verdict.Accept ? 1 : 0;
            }
        }
        assertThat(taken).isEqualTo(600);
        FakeIntakeServer.Client next = client("192.0.2.99");
        next.mail("a@b.test");
        assertReply(next.rcpt("postmaster@second.test"), 250, "2.1.5");
    }

    @Test
    void a17_aClientIsAWholeIpv6Network() {
        client();
        int taken = 0;
        for (int host = 1; host <= 100; host++) {
            FakeIntakeServer.Client client = client("2001:db8::" + Integer.toHexString(host));
            client.mail("a@b.test");
            taken += client.rcpt("abuse@example.test") instanceof Verdict.Accept ? 1 : 0;
        }
        assertThat(taken).isEqualTo(60);
    }

    // ---- domains that come and go ----

    @Test
    void a18_aDomainThatIsServedNoMoreIsRefusedForGood() {
        AtomicBoolean served = new AtomicBoolean(true);
        engine.builder.relayDomains(RelayDomains.of("example.test")
                .withLookup(domain -> served.get() && domain.toString().equals("left.test")
                        ? Optional.of(domain("left.test"))
                        : Optional.empty()));
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("u@left.test"), 250, "2.1.5");
        served.set(false);
        engine.time.advance(Duration.ofMinutes(6));
        assertThat(client.rcpt("u@left.test").reply()).hasToString("550 5.7.1 We do not relay for this domain");
        assertReply(client.rcpt("postmaster@left.test"), 550, "5.7.1");
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
    }

    // ---- by destination ----

    private void byDestination() {
        engine.builder
                .ownIdentity(OwnIdentity.named("backup.example.net")
                        .withAddresses(List.of(IpNetwork.of("198.51.100.9").first())))
                .relayDomains(RelayDomains.of("example.test")
                        .withByDestination(List.of(IpNetwork.of("9.9.9.0/24"), IpNetwork.of("2620:fe::/48"))));
        engine.resolver
                .host("in.test", "9.9.9.9")
                .host("in6.test", "2620:fe::9", "9.9.9.10")
                .host("out.test", "8.8.8.8")
                .host("half.test", "9.9.9.9", "8.8.8.8")
                .host("us.test", "198.51.100.9")
                .host("lo.test", "127.0.0.1")
                .host("broken.test", new AddressLookup.TemporaryFailure("planned"));
    }

    private Verdict rcptOf(String... mx) {
        if (mx.length > 0) {
            engine.resolver.mx("asked.test", mx);
        }
        engine.time.advance(Duration.ofMinutes(6)); // what is cached is old
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        return client.rcpt("u@asked.test");
    }

    @Test
    void b2_weAreBackupOfWhatTheDnsSays() {
        byDestination();
        assertReply(rcptOf("10 in.test", "20 mx2.example.net"), 250, "2.1.5");
        assertReply(rcptOf("10 in.test", "20 BACKUP.example.net."), 250, "2.1.5");
        assertReply(rcptOf("10 in.test", "20 us.test"), 250, "2.1.5"); // by address
        assertReply(rcptOf("10 in.test", "10 in6.test", "15 out.test", "20 mx2.example.net"), 250, "2.1.5");
        assertReply(rcptOf("10 in.test", "10 none.test", "20 mx2.example.net"), 250, "2.1.5");
        assertReply(client().send("a@b.test", MAIL, "u@asked.test"), 250, "2.0.0");
    }

    @Test
    void b2_weAreNotWhereItSaysElse() {
        byDestination();
        assertReply(rcptOf(), 550, "5.7.1"); // no such domain
        assertReply(rcptOf("10 in.test"), 550, "5.7.1"); // we are not in it
        assertReply(rcptOf("10 in.test", "20 out.test"), 550, "5.7.1");
        assertReply(rcptOf("10 mx2.example.net", "20 in.test"), 550, "5.7.1"); // we are the best
        assertReply(rcptOf("10 us.test", "20 mx2.example.net"), 550, "5.7.1");
        assertReply(rcptOf("10 in.test", "10 mx2.example.net"), 550, "5.7.1"); // and an equal
        assertReply(rcptOf("10 mx2.example.net"), 550, "5.7.1");
        assertReply(rcptOf("10 out.test", "20 mx2.example.net"), 550, "5.7.1");
        assertReply(rcptOf("10 half.test", "20 mx2.example.net"), 550, "5.7.1"); // one address would do
        assertReply(rcptOf("10 in.test", "10 out.test", "20 mx2.example.net"), 550, "5.7.1");
        assertReply(rcptOf("10 none.test", "20 mx2.example.net"), 550, "5.7.1");
        assertReply(rcptOf("10 in.test", "20 lo.test"), 550, "5.7.1"); // loopback is nobody's name
        engine.resolver.noMx("asked.test").host("asked.test", "9.9.9.9");
        assertReply(rcptOf(), 550, "5.7.1");
        engine.resolver.lookup("asked.test", new MxLookup.NullMx());
        assertReply(rcptOf(), 550, "5.7.1");
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("u@[9.9.9.9]"), 550, "5.7.1");
    }

    @Test
    void b2_aDnsWithoutAnAnswerDefers() {
        byDestination();
        engine.resolver.lookup("asked.test", new MxLookup.TemporaryFailure("planned"));
        assertReply(rcptOf(), 451, "4.4.3");
        assertReply(rcptOf("10 broken.test", "20 mx2.example.net"), 451, "4.4.3");
        assertReply(rcptOf("10 in.test", "10 broken.test", "20 mx2.example.net"), 451, "4.4.3");
        assertReply(rcptOf("10 in.test", "20 broken.test"), 451, "4.4.3"); // perhaps us
        assertReply(rcptOf("10 in.test", "20 broken.test", "30 us.test"), 250, "2.1.5");
        assertReply(rcptOf("10 out.test", "10 broken.test", "20 mx2.example.net"), 550, "5.7.1"); // no matter
        engine.resolver.lookup("asked.test", new MxLookup.TemporaryFailure("planned"));
        assertReply(rcptOf(), 451, "4.4.3");
        // a failure is not remembered
        engine.resolver.mx("asked.test", "10 in.test", "20 mx2.example.net");
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("u@asked.test"), 250, "2.1.5");
    }

    @Test
    void b2_answersAreCachedForFiveMinutes() {
        byDestination();
        assertReply(rcptOf("10 in.test", "20 mx2.example.net"), 250, "2.1.5");
        engine.resolver.mx("asked.test", "10 out.test", "20 mx2.example.net");
        engine.time.advance(Duration.ofSeconds(290));
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("v@asked.test"), 250, "2.1.5");
        assertThat(engine.resolver.queries())
                .filteredOn("MX asked.test"::equals)
                .hasSize(1);
        engine.time.advance(Duration.ofSeconds(20));
        assertReply(client.rcpt("w@asked.test"), 550, "5.7.1");
    }

    @Test
    void b2_aDnsThatNeverAnswersIsNotWaitedFor() {
        byDestination();
        engine.builder.mxResolver(new MxResolver() {
            @Override
            public CompletionStage<MxLookup> lookup(MailDomain domain) {
                return new CompletableFuture<>();
            }

            @Override
            public CompletionStage<AddressLookup> addresses(String host) {
                return new CompletableFuture<>();
            }
        });
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        CompletableFuture<Verdict> verdict = client.session()
                .rcpt(ForwardPath.parse("u@asked.test"), RcptParameters.none())
                .toCompletableFuture();
        engine.time.advance(Duration.ofSeconds(4));
        assertThat(verdict).isNotDone();
        engine.time.advance(Duration.ofSeconds(2));
        assertReply(verdict.join(), 451, "4.4.3");
        // what is listed needs no DNS
        assertReply(client.rcpt("u@example.test"), 250, "2.1.5");
    }

    @Test
    void b2_networksAreEnoughOfADomain() {
        engine.builder.relayDomains(RelayDomains.of().withByDestination(List.of(IpNetwork.of("9.9.9.0/24"))));
        assertThatThrownBy(engine.builder::build).hasMessageContaining("postmaster: none");
        engine.builder.postmaster(Mailbox.parse("postmaster@example.net"));
        assertThat(engine.builder.build()).isNotNull();
    }
}
