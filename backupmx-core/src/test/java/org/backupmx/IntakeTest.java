package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.backupmx.event.MailRefused;
import org.backupmx.event.SpoolHealthChanged;
import org.backupmx.greylist.GreylistDecision;
import org.backupmx.greylist.GreylistPolicy;
import org.backupmx.greylist.GreylistTriplet;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RecipientPolicy;
import org.backupmx.intake.RecipientStatus;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.InMemorySpool.Call;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is allowed in, asked verb by verb on virtual time. */
@Timeout(30)
class IntakeTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private FakeIntakeServer.Client client() {
        if (!engine.server.isRunning()) {
            engine.client.allDown();
            engine.start();
        }
        return engine.server.connect();
    }

    private static void assertReply(Verdict verdict, int code, String enhanced) {
        assertThat(verdict.reply().toString()).startsWith(code + " " + enhanced + " ");
    }

    /** Addresses that are none of ours, whatever they look like (B1, T3). Those that do not parse never get so far. */
    private static final List<String> FOREIGN = List.of(
            "user@foreign.test",
            "USER@FOREIGN.TEST",
            "user@foreign.test.",
            "user@example.test.foreign.test",
            "user@sub.example.test",
            "user@sub.sub.example.test",
            "user@xexample.test",
            "user@example.tes",
            "user@example.testx",
            "user@example-test",
            "user@test",
            "user@example",
            "user@localhost",
            "user@localhost.localdomain",
            "user@mx2.example.net",
            "user@example.net",
            "user@[127.0.0.1]",
            "user@[192.0.2.1]",
            "user@[192.0.2.10]",
            "user@[0.0.0.0]",
            "user@[255.255.255.255]",
            "user@[IPv6:::1]",
            "user@[IPv6:::]",
            "user@[IPv6:::ffff:127.0.0.1]",
            "user@[IPv6:2001:db8::1]",
            "user%example.test@foreign.test",
            "user%foreign.test@foreign.test",
            "\"user@example.test\"@foreign.test",
            "\"user@example.test\"@[127.0.0.1]",
            "\"user%example.test\"@foreign.test",
            "\"example.test!user\"@foreign.test",
            "example.test!user@foreign.test",
            "foreign.test!user@foreign.test",
            "\"@example.test:user\"@foreign.test",
            "\"user@example.test \"@foreign.test",
            "\" user@example.test\"@foreign.test",
            "\"user\\@example.test\"@foreign.test",
            "\"\\\"user@example.test\"@foreign.test",
            "\"<user@example.test>\"@foreign.test",
            "\"user@example.test,other\"@foreign.test",
            "\"\"@foreign.test",
            "postmaster@foreign.test",
            "POSTMASTER@foreign.test",
            "abuse@foreign.test",
            "postmaster%example.test@foreign.test",
            "postmaster@sub.example.test",
            "\"postmaster@example.test\"@foreign.test",
            "user+example.test@foreign.test",
            "user=example.test@foreign.test",
            "user/example.test@foreign.test",
            "user#example.test@foreign.test",
            "user|example.test@foreign.test",
            "user?example.test@foreign.test",
            "user@example.test-foreign.test",
            "user@example_test",
            "user@_example.test",
            "user@1.example.test",
            "user@xn--exmple-cua.test",
            "user@exämple.test",
            "user@example。foreign.test",
            "user@еxample.test",
            "bücher@foreign.test",
            "user@second.test.foreign.test",
            "user@byname.test.example",
            "user@a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.example.test");

    @TestFactory
    Stream<DynamicTest> foreignRecipientsAreRefused() {
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        return FOREIGN.stream()
                .map(recipient ->
                        DynamicTest.dynamicTest(recipient, () -> assertReply(client.rcpt(recipient), 550, "5.7.1")));
    }

    /** Other spellings of what is ours. */
    @ParameterizedTest
    @ValueSource(strings = {"user@example.test", "user@EXAMPLE.test", "user@example.test.", "\"user\"@example.test"})
    void otherSpellingsAreOurs(String recipient) throws SpoolException {
        assertTaken(client(), recipient);
    }

    private static final List<String> ROUTED = List.of(
            "user%foreign.test@example.test",
            "foreign.test!user@example.test",
            "\"user@foreign.test\"@example.test",
            "\"user\\@foreign.test\"@example.test",
            "postmaster%foreign.test@example.test");

    @Test
    void b1_routesInLocalPartsAreRefused() {
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        for (String recipient : ROUTED) {
            assertReply(client.rcpt(recipient), 550, "5.7.1");
        }
    }

    @Test
    void routesInLocalPartsAreThePrimarysMatterIfAllowed() throws SpoolException {
        engine.builder.allowRoutedLocalParts(true);
        for (String recipient : ROUTED) {
            assertTaken(client(), recipient);
        }
    }

    private void assertTaken(FakeIntakeServer.Client client, String recipient) throws SpoolException {
        assertReply(client.send("a@b.test", MAIL, recipient), 250, "2.0.0");
        engine.time.run();
        assertThat(engine.spool.lanes())
                .singleElement()
                .satisfies(lane -> assertThat(lane.domain()).hasToString("example.test"));
    }

    /** What a primary that trusts its backup might relay (B1, T3). */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "user%foreign.test@example.test",
                "user%foreign.test@EXAMPLE.test.",
                "\"user%[192.0.2.1]\"@example.test",
                "user%foreign.test%second.test@example.test",
                "foreign.test!user@example.test",
                "foreign.test!second.test!user@example.test",
                "user%foreign.test@second.test",
                "\"user@foreign.test\"@example.test",
                "\"user%foreign.test\"@example.test",
                "\"foreign.test!user\"@example.test",
                "\"@foreign.test:user@example.test\"@example.test",
                "\"user\\@foreign.test\"@example.test",
                "\"user@example.test\"@example.test",
                "postmaster%foreign.test@example.test",
                "abuse!user@example.test",
                "%@example.test",
                "!@example.test",
                "\"@\"@example.test"
            })
    void t3_aRouteInTheLocalPartIsNotRelayed(String recipient) throws SpoolException {
        engine.builder.recipientPolicy(address -> RecipientStatus.EXISTS);
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt(recipient), 550, "5.7.1");
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    /** The domain is one whatever way it is written (B1): as A-label, without case, without the trailing dot. */
    @ParameterizedTest
    @CsvSource({
        "bücher.test, xn--bcher-kva.test",
        "BÜCHER.test., xn--bcher-kva.test",
        "XN--BCHER-KVA.test, xn--bcher-kva.test",
        "xn--bcher-kva.test., xn--bcher-kva.test",
        "bücher。test, xn--bcher-kva.test",
        "a.wild.test, a.wild.test",
        "A.B.WILD.TEST., a.b.wild.test",
    })
    void b1_oneDomainHoweverItIsWritten(String written, String lane) throws SpoolException {
        engine.builder
                .relayDomains(RelayDomains.of("Bücher.test", "*.wild.test"))
                .postmaster(Mailbox.parse("postmaster@example.net"));
        FakeIntakeServer.Client client = client();
        assertReply(client.send("a@b.test", MAIL, "user@" + written), 250, "2.0.0");
        engine.time.run();
        assertThat(engine.spool.lanes())
                .singleElement()
                .satisfies(queued -> assertThat(queued.domain()).hasToString(lane));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bucher.test",
                "bücher.test.foreign.test",
                "xn--bcher-kva.test.foreign.test",
                "xn--bcher-kvb.test",
                "bu\u0308chers.test",
                "b\u00fccher-test.test",
                "wild.test",
                "wild.test.",
                "xwild.test",
                "a.wild.test.foreign.test",
                "b\u00fcch\u0435r.test"
            })
    void b1_whatOnlyLooksLikeOursIsForeign(String domain) {
        engine.builder
                .relayDomains(RelayDomains.of("bücher.test", "*.wild.test"))
                .postmaster(Mailbox.parse("postmaster@example.net"));
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("user@" + domain), 550, "5.7.1");
        assertReply(client.rcpt("postmaster@" + domain), 550, "5.7.1");
    }

    @Test
    void whatIsRefusedIsToldAndNotQueued() throws SpoolException {
        FakeIntakeServer.Client client = client();
        assertReply(client.send("a@b.test", MAIL, "user@foreign.test"), 550, "5.7.1");
        engine.time.run();
        assertThat(engine.spool.lanes()).isEmpty();
        assertThat(engine.events.events(MailRefused.class)).singleElement().satisfies(event -> {
            assertThat(event.recipients()).containsExactly(ForwardPath.parse("user@foreign.test"));
            assertThat(event.reversePath()).hasToString("a@b.test");
        });
    }

    @Test
    void knownRecipientsOnly() {
        engine.builder.recipientPolicy(RecipientPolicy.only(List.of(Mailbox.parse("Known@example.test"))));
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("known@example.test"), 250, "2.1.5");
        assertReply(client.rcpt("KNOWN@example.test"), 250, "2.1.5");
        assertReply(client.rcpt("unknown@example.test"), 550, "5.1.1");
        assertReply(client.rcpt("known@second.test"), 550, "5.1.1");
        assertReply(client.rcpt("postmaster@example.test"), 250, "2.1.5");
        assertReply(client.rcpt("PostMaster@second.test"), 250, "2.1.5");
        assertReply(client.rcpt("abuse@example.test"), 250, "2.1.5");
    }

    @Test
    void theBarePostmasterHasAMailbox() throws SpoolException {
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.postmaster(), 250, "2.1.5");
        assertReply(client.data(MAIL), 250, "2.0.0");
        engine.time.run();
        assertThat(engine.spool.find(SpoolFilter.all(), Optional.empty(), 10))
                .singleElement()
                .satisfies(message -> assertThat(message.message().envelope().recipients())
                        .extracting(Object::toString)
                        .containsExactly("postmaster@example.test"));
    }

    @Test
    void aDeclaredSizeBeyondTheLimitIsRefusedAtMail() {
        engine.builder.maxMessageBytes(100_000);
        FakeIntakeServer.Client client = client();
        assertReply(client.mail("a@b.test", sized(100_001)), 552, "5.3.4");
        assertReply(client.mail("a@b.test", sized(100_000)), 250, "2.1.0");
    }

    private static MailParameters sized(long bytes) {
        return new MailParameters(bytes, BodyType.SEVEN_BIT, false, DsnParameters.none());
    }

    @Test
    void mailDataBeyondTheLimitIsRefusedAtItsEnd() throws SpoolException {
        engine.builder.maxMessageBytes(100_000);
        FakeIntakeServer.Client client = client();
        String half = "x".repeat(50_000);
        client.mail("a@b.test");
        client.rcpt("u@example.test");
        assertReply(client.data(half, half), 250, "2.0.0");
        client.mail("a@b.test");
        client.rcpt("u@example.test");
        assertReply(client.data(half, half, "x"), 552, "5.3.4");
        assertThat(engine.mx.snapshot().queued()).isEqualTo(1);
    }

    @Test
    void aSpoolThatRefusesIsSaidAtMail() {
        FakeIntakeServer.Client client = client();
        engine.spool.fill("disk nearly full");
        assertReply(client.mail("a@b.test"), 452, "4.3.1");
        engine.time.advance(Duration.ofSeconds(6));
        engine.spool.accept();
        assertReply(client.mail("a@b.test"), 250, "2.1.0");
        engine.time.advance(Duration.ofSeconds(6));
        assertThat(engine.events.events(SpoolHealthChanged.class)).hasSize(2);
    }

    @Test
    void aSpoolWithAFaultIsSaidAtMailAndNotCalledFull() {
        FakeIntakeServer.Client client = client();
        engine.spool.refuse("Input/output error");
        assertReply(client.mail("a@b.test"), 451, "4.3.0");
        engine.spool.accept();
        assertReply(client.mail("a@b.test"), 250, "2.1.0");
    }

    @Test
    void anExhaustedSpoolIsSaidInPlaceOfTheBanner() {
        client();
        engine.spool.exhaust("disk full");
        assertThat(engine.server.greeting())
                .isEqualTo(new Greeting.Refusal(SmtpReply.of(421, "4.3.1", "Insufficient storage, try again later")));
        engine.spool.accept();
        assertReply(client().mail("a@b.test"), 250, "2.1.0");
    }

    @ParameterizedTest
    @EnumSource(
            value = Call.class,
            names = {"BEGIN", "WRITE", "COMMIT"})
    void aFaultBeforeTheCommitIsTransient(Call call) throws SpoolException {
        for (int nonBlockingBytes : new int[] {Integer.MAX_VALUE, 0}) {
            engine.spool.nonBlockingBytes(nonBlockingBytes);
            FakeIntakeServer.Client client = client();
            engine.spool.failNext(call, new SpoolUnavailableException("planned"));
            assertReply(client.send("a@b.test", MAIL, "u@example.test"), 451, "4.3.0");
            engine.spool.failNext(call, new SpoolFullException("planned"));
            assertReply(client.send("a@b.test", MAIL, "u@example.test"), 452, "4.3.1");
            assertThat(engine.spool.lanes()).isEmpty();
            assertReply(client.send("a@b.test", MAIL, "u@example.test"), 250, "2.0.0");
            engine.spool.delete(engine.spool
                    .find(SpoolFilter.all(), Optional.empty(), 1)
                    .get(0)
                    .id());
        }
    }

    @Test
    void acceptWaitsForTheCommit() {
        FakeIntakeServer.Client client = client();
        engine.spool.stallCommits();
        client.mail("a@b.test");
        client.rcpt("u@example.test");
        CompletableFuture<Verdict> verdict = client.begin(MAIL).toCompletableFuture();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(verdict).isNotDone();
        engine.spool.resumeCommits();
        engine.time.run();
        assertReply(verdict.join(), 250, "2.0.0");
    }

    @Test
    void aClientThatGoesAwayLeavesNothing() throws SpoolException {
        for (int nonBlockingBytes : new int[] {Integer.MAX_VALUE, 0, 4096}) {
            engine.spool.nonBlockingBytes(nonBlockingBytes);
            FakeIntakeServer.Client client = client();
            client.mail("a@b.test");
            client.rcpt("u@example.test");
            MailDataSink sink = client.write(MAIL, "x".repeat(8000));
            client.session().close();
            engine.time.run();
            assertThat(engine.spool.lanes()).isEmpty();
            CompletableFuture<Verdict> end = sink.finish().toCompletableFuture();
            engine.time.run();
            assertReply(end.getNow(null), 451, "4.3.0");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE})
    void aClientThatGoesAwayBeforeTheReplyHasLeftItsMessage(int nonBlockingBytes) throws SpoolException {
        engine.spool.nonBlockingBytes(nonBlockingBytes);
        FakeIntakeServer.Client client = client();
        engine.spool.stallCommits();
        client.mail("a@b.test");
        client.rcpt("u@example.test");
        CompletableFuture<Verdict> verdict = client.begin(MAIL).toCompletableFuture();
        client.session().close();
        engine.time.run();
        assertThat(engine.spool.lanes()).isEmpty();
        engine.spool.resumeCommits();
        engine.time.run();
        assertReply(verdict.getNow(null), 250, "2.0.0");
        assertThat(engine.spool.lanes())
                .singleElement()
                .satisfies(lane -> assertThat(lane.queued()).isEqualTo(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 20_000, Integer.MAX_VALUE})
    void whatIsRefusedIsSwallowedToItsEndAndLeavesNoRoomTaken(int nonBlockingBytes) throws SpoolException {
        engine.spool.nonBlockingBytes(nonBlockingBytes);
        engine.builder.maxMessageBytes(100_000);
        FakeIntakeServer.Client client = client();
        String half = "x".repeat(60_000);
        for (int i = 0; i < 3; i++) {
            client.mail("a@b.test");
            client.rcpt("u@example.test");
            assertReply(client.data(half, half, half, half), 552, "5.3.4");
        }
        client.mail("a@b.test");
        client.rcpt("u@example.test");
        MailDataSink refused = client.write(half, half);
        client.session().close();
        engine.time.run();
        refused.abandon();
        engine.time.run();
        assertThat(engine.spool.lanes()).isEmpty();
        assertReply(client().send("a@b.test", MAIL, "u@example.test"), 250, "2.0.0");
        assertThat(engine.mx.snapshot().queued()).isEqualTo(1);
    }

    @Test
    void aSinkThatNothingWasWrittenToIsAbandonedToo() throws SpoolException {
        for (int nonBlockingBytes : new int[] {Integer.MAX_VALUE, 0}) {
            engine.spool.nonBlockingBytes(nonBlockingBytes);
            FakeIntakeServer.Client client = client();
            client.mail("a@b.test");
            client.rcpt("u@example.test");
            MailDataSink sink = client.write();
            sink.abandon();
            sink.abandon();
            engine.time.run();
            CompletableFuture<Verdict> end = sink.finish().toCompletableFuture();
            engine.time.run();
            assertReply(end.getNow(null), 451, "4.3.0");
            assertThat(engine.spool.lanes()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3000, 20_000, Integer.MAX_VALUE})
    void mailDataIsKeptOctetForOctet(int nonBlockingBytes) throws Exception {
        engine.spool.nonBlockingBytes(nonBlockingBytes);
        FakeIntakeServer.Client client = client();
        StringBuilder all = new StringBuilder();
        String[] pieces = new String[12];
        for (int i = 0; i < pieces.length; i++) {
            pieces[i] = "line " + i + " \u00e9\0" + "y".repeat(1200) + (i % 3 == 0 ? "\r\n\r\n" : "");
            all.append(pieces[i]);
        }
        client.mail("a@b.test");
        client.rcpt("u@example.test");
        assertReply(client.data(pieces), 250, "2.0.0");
        engine.client.allUp();
        engine.time.advance(Duration.ofSeconds(70));
        assertThat(engine.client.relayed()).singleElement().satisfies(mail -> {
            assertThat(mail.mailData()).endsWith("+0000\r\n" + all);
            assertThat(mail.mailData().split("Received:", -1)).hasSize(2);
        });
    }

    @Test
    void loopingMailIsRefused() throws SpoolException {
        FakeIntakeServer.Client client = client();
        String hop = "Received: from a by b; now\r\n";
        assertReply(client.send("a@b.test", hop.repeat(99) + MAIL, "u@example.test"), 250, "2.0.0");
        assertReply(client.send("a@b.test", hop.repeat(100) + MAIL, "u@example.test"), 554, "5.4.6");
        assertReply(client.send("a@b.test", MAIL + hop.repeat(200), "u@example.test"), 250, "2.0.0");
        assertThat(engine.mx.snapshot().queued()).isEqualTo(2);
    }

    @Test
    void aRecipientStandsOnceHoweverOftenItIsGiven() throws SpoolException {
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        for (int i = 0; i < 60; i++) {
            assertReply(client.rcpt("u" + i % 20 + "@example.test"), 250, "2.1.5");
        }
        client.data(MAIL);
        assertThat(engine.spool.find(SpoolFilter.all(), Optional.empty(), 10))
                .singleElement()
                .satisfies(message ->
                        assertThat(message.message().envelope().recipients()).hasSize(20));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a@b.test", ""})
    void a2_aHundredRecipientsAreTakenWhateverTheReversePath(String reversePath) throws Exception {
        engine.builder.maxRecipients(100);
        FakeIntakeServer.Client client = client();
        client.mail(reversePath);
        for (int i = 0; i < 100; i++) {
            assertReply(client.rcpt("u" + i + "@example.test"), 250, "2.1.5");
        }
        assertReply(client.rcpt("u100@example.test"), 452, "4.5.3");
        assertReply(client.data(MAIL), 250, "2.0.0");
        assertThat(engine.spool.find(SpoolFilter.all(), Optional.empty(), 10))
                .singleElement()
                .satisfies(message ->
                        assertThat(message.message().envelope().recipients()).hasSize(100));
    }

    @Test
    void greylistingDefersTheFirstTryAndSparesPostmaster() {
        engine.builder.greylist(GreylistPolicy.inMemory(Duration.ofMinutes(5)));
        FakeIntakeServer.Client client = client();
        assertReply(client.send("a@b.test", MAIL, "u@example.test"), 450, "4.7.1");
        assertReply(client.send("a@b.test", MAIL, "postmaster@example.test"), 250, "2.0.0");
        engine.time.advance(Duration.ofMinutes(4));
        assertReply(client.send("a@b.test", MAIL, "u@example.test"), 450, "4.7.1");
        engine.time.advance(Duration.ofMinutes(2));
        assertReply(client.send("a@b.test", MAIL, "u@example.test"), 250, "2.0.0");
        assertReply(engine.server.connect("192.0.2.77").send("a@b.test", MAIL, "u@example.test"), 250, "2.0.0");
    }

    @Test
    void aBrokenPolicyDefers() {
        engine.builder
                .recipientPolicy(recipient -> {
                    if (recipient.localPart().equals("throws")) {
                        throw new IOException("planned");
                    }
                    return recipient.localPart().equals("unsure") ? RecipientStatus.UNSURE : RecipientStatus.EXISTS;
                })
                .greylist((triplet, now) -> {
                    throw new IllegalStateException("planned");
                });
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("throws@example.test"), 451, "4.3.0");
        assertReply(client.rcpt("unsure@example.test"), 450, "4.1.1");
        assertReply(client.rcpt("greylisted@example.test"), 451, "4.3.0");
        assertReply(client.rcpt("postmaster@example.test"), 250, "2.1.5");
    }

    @Test
    @SuppressWarnings("NullAway") // the point
    void aGreylistThatAnswersNothingDefers() {
        engine.builder.greylist(new GreylistPolicy() {
            @Override
            public GreylistDecision decide(GreylistTriplet triplet, Instant now) {
                return null;
            }

            @Override
            public boolean mayBlock() {
                return false;
            }
        });
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        assertReply(client.rcpt("u@example.test"), 451, "4.3.0");
    }

    @Test
    void domainsAreLookedUpOnce() {
        AtomicInteger asked = new AtomicInteger();
        engine.builder.relayDomains(RelayDomains.of("example.test", "*.wild.test")
                .withLookup(domain -> {
                    asked.incrementAndGet();
                    if (domain.toString().startsWith("broken")) {
                        throw new IOException("planned");
                    }
                    return domain.toString().startsWith("ours")
                            ? Optional.of(RelayDomain.of(domain.toString()))
                            : Optional.empty();
                }));
        FakeIntakeServer.Client client = client();
        client.mail("a@b.test");
        for (int i = 0; i < 3; i++) {
            assertReply(client.rcpt("u" + i + "@ours.test"), 250, "2.1.5");
            assertReply(client.rcpt("u" + i + "@theirs.test"), 550, "5.7.1");
        }
        assertThat(asked).hasValue(2);
        assertReply(client.rcpt("u@broken.test"), 451, "4.3.0");
        assertReply(client.rcpt("u@a.wild.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@a.b.wild.test"), 250, "2.1.5");
        assertReply(client.rcpt("u@wild.test"), 550, "5.7.1");
        engine.time.advance(Duration.ofMinutes(6));
        asked.set(0);
        assertReply(client.rcpt("late@ours.test"), 250, "2.1.5");
        assertThat(asked).hasValue(1);
    }

    @Test
    void aSlowPolicyIsNotWaitedForAndStopsNobodyElse() throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        FakeIntakeServer server = new FakeIntakeServer();
        BackupMx mx = new VirtualEngine()
                .builder
                .intakeServer(server)
                .executor(task -> new Thread(task).start())
                .scheduler(Executors.newSingleThreadScheduledExecutor(task -> {
                    Thread thread = new Thread(task);
                    thread.setDaemon(true);
                    return thread;
                }))
                .policyTimeout(Duration.ofMillis(50))
                .recipientPolicy(recipient -> {
                    if (recipient.localPart().equals("slow")) {
                        try {
                            never.await();
                        } catch (InterruptedException e) {
                            interrupted.countDown();
                            throw e;
                        }
                    }
                    return RecipientStatus.EXISTS;
                })
                .build();
        mx.start().toCompletableFuture().join();
        FakeIntakeServer.Client client = server.connect();
        client.mail("a@b.test");
        assertReply(client.rcpt("slow@example.test"), 451, "4.3.0");
        assertThat(interrupted.await(5, TimeUnit.SECONDS)).isTrue();
        assertReply(client.rcpt("fast@example.test"), 250, "2.1.5");
        mx.close();
    }
}
