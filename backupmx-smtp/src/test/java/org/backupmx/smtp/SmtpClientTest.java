package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.MailData;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SmtpClientTest {

    private static final byte[] BODY =
            "Received: x\r\nSubject: y\r\n\r\nfirst\r\n.second\r\n".getBytes(StandardCharsets.US_ASCII);

    private FakePrimary primary;
    private SmtpClient client;

    @BeforeEach
    void start() {
        primary = FakePrimary.start();
        client = started(SmtpClient.create());
    }

    @AfterEach
    void stop() throws Exception {
        client.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        primary.close();
    }

    private static SmtpClient started(SmtpClient client) {
        client.start().toCompletableFuture().join();
        return client;
    }

    private void use(SmtpClient other) throws Exception {
        client.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        client = started(other);
    }

    private NextHopAddress nextHop() {
        return new NextHopAddress(new NextHop("127.0.0.1", primary.port()), primary.address());
    }

    private RelayRequest request(Envelope envelope, byte[] body) {
        return new RelayRequest(nextHop(), "mx2.test", envelope, envelope.recipients(), data(body));
    }

    private static Envelope envelope(String... recipients) {
        Envelope.Builder builder = Envelope.from(ReversePath.parse("from@sender.test"));
        for (String recipient : recipients) {
            builder.to(Recipient.of(ForwardPath.parse(recipient)));
        }
        return builder.build();
    }

    static MailData data(byte[] body) {
        return new MailData() {
            @Override
            public long sizeBytes() {
                return body.length;
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(body);
            }
        };
    }

    private static <T> T get(CompletionStage<T> stage) throws Exception {
        return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    private RelayResult relay(String... recipients) throws Exception {
        return get(client.relay(request(envelope(recipients), BODY)));
    }

    private static List<RecipientOutcome> outcomes(RelayResult result) {
        assertThat(result).isInstanceOf(RelayResult.Attempted.class);
        return ((RelayResult.Attempted) result).outcomes();
    }

    private static List<String> kinds(RelayResult result) {
        return outcomes(result).stream()
                .map(o -> o.getClass().getSimpleName() + " " + o.reply().code())
                .toList();
    }

    @Test
    void relaysToEveryRecipientOctetForOctet() throws Exception {
        RelayResult result = relay("a@example.test", "b@example.test");

        assertThat(kinds(result)).containsExactly("Relayed 250", "Relayed 250");
        assertThat(primary.messages()).singleElement().satisfies(message -> {
            assertThat(message.data()).isEqualTo(BODY);
            assertThat(message.reversePath()).isEqualTo("from@sender.test");
            assertThat(message.forwardPaths()).containsExactly("a@example.test", "b@example.test");
        });
        assertThat(primary.commands())
                .containsExactly(
                        "EHLO mx2.test",
                        "MAIL FROM:<from@sender.test> SIZE=" + BODY.length,
                        "RCPT TO:<a@example.test>",
                        "RCPT TO:<b@example.test>",
                        "DATA");
    }

    @Test
    void aNewSessionTellsWhatTheNextHopSaysOfItselfAndAKeptOneDoesNot() throws Exception {
        RelayResult first = relay("a@example.test");
        RelayResult second = relay("a@example.test");

        assertThat(primary.commands()).containsOnlyOnce("EHLO mx2.test");
        assertThat(((RelayResult.Attempted) first).said()).hasValueSatisfying(said -> {
            assertThat(said.offers("PIPELINING")).isTrue();
            assertThat(said.banner()).isNotEmpty();
            assertThat(said.tls()).isEmpty();
        });
        assertThat(((RelayResult.Attempted) second).said()).isEmpty();
    }

    @Test
    void withoutPipeliningACommandAtATime() throws Exception {
        primary.behaviour(accepting().offering());

        assertThat(kinds(relay("a@example.test", "b@example.test"))).containsExactly("Relayed 250", "Relayed 250");
        assertThat(primary.commands())
                .containsExactly(
                        "EHLO mx2.test",
                        "MAIL FROM:<from@sender.test>",
                        "RCPT TO:<a@example.test>",
                        "RCPT TO:<b@example.test>",
                        "DATA");
    }

    @Test
    void fallsBackToHelo() throws Exception {
        primary.behaviour(accepting().reply(Point.EHLO, "502 What?"));

        assertThat(kinds(relay("a@example.test"))).containsExactly("Relayed 250");
        assertThat(primary.commands()).startsWith("EHLO mx2.test", "HELO mx2.test", "MAIL FROM:<from@sender.test>");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyRecipientHasItsOwnOutcome(boolean pipelining) throws Exception {
        PrimaryBehaviour behaviour = accepting().at(Point.RCPT, line -> switch (line.charAt(9)) {
            case 'b' -> new Answer.Say("450 4.2.1 Busy\r\n");
            case 'c' -> new Answer.Say("550 5.1.1 Unknown\r\n");
            case 'd' -> new Answer.Say("552 5.2.2 Full\r\n");
            default -> null;
        });
        primary.behaviour(pipelining ? behaviour : behaviour.without("PIPELINING"));

        RelayResult result = relay("a@example.test", "b@example.test", "c@example.test", "d@example.test");

        assertThat(kinds(result))
                .containsExactly("Relayed 250", "TransientFailure 450", "PermanentFailure 550", "TransientFailure 452");
        assertThat(outcomes(result).get(3).reply()).hasToString("452 4.2.2 Full");
        assertThat(primary.messages().get(0).forwardPaths()).containsExactly("a@example.test");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aMessageThatAllRefuseIsNotSentAndTheConnectionGoesOn(boolean pipelining) throws Exception {
        PrimaryBehaviour behaviour = pipelining ? accepting() : accepting().without("PIPELINING");
        primary.behaviour(behaviour.reply(Point.RCPT, "550 5.1.1 Unknown"));
        assertThat(kinds(relay("a@example.test"))).containsExactly("PermanentFailure 550");

        primary.behaviour(behaviour);
        assertThat(kinds(relay("b@example.test"))).containsExactly("Relayed 250");

        assertThat(primary.connections()).isEqualTo(1);
        assertThat(primary.commands()).contains("RSET");
        assertThat(primary.messages()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConnectionWithManyRefusedCommandsIsNotUsedAgain(boolean pipelining) throws Exception {
        PrimaryBehaviour behaviour = pipelining ? accepting() : accepting().without("PIPELINING");
        primary.behaviour(behaviour.at(
                Point.RCPT, line -> line.contains("gone") ? new Answer.Say("550 5.1.1 Unknown\r\n") : null));
        String[] fourOfFive = {
            "1gone@example.test", "2gone@example.test", "3gone@example.test", "4gone@example.test", "a@example.test"
        };

        relay(fourOfFive);
        relay("b@example.test");
        assertThat(primary.connections()).isEqualTo(1);
        relay("5gone@example.test", "c@example.test");
        primary.awaitCommand("QUIT", Duration.ofSeconds(5));
        assertThat(kinds(relay("d@example.test"))).containsExactly("Relayed 250");

        assertThat(primary.connections()).isEqualTo(2);
    }

    @Test
    void goAheadForNobodyIsAnsweredWithALoneDot() throws Exception {
        primary.behaviour(accepting().reply(Point.RCPT, "450 4.2.1 Busy").reply(Point.DATA, "354 Go on all the same"));
        assertThat(kinds(relay("a@example.test"))).containsExactly("TransientFailure 450");

        primary.behaviour(accepting());
        assertThat(kinds(relay("b@example.test"))).containsExactly("Relayed 250");
        assertThat(primary.connections()).isEqualTo(1);
        assertThat(primary.messages())
                .singleElement()
                .satisfies(m -> assertThat(m.data()).isEqualTo(BODY));
    }

    @Test
    void aConnectionServesManyMessages() throws Exception {
        use(SmtpClient.create().withLimits(ClientLimits.defaults().withMessagesPerConnection(3)));
        for (int i = 0; i < 7; i++) {
            assertThat(kinds(relay("a@example.test"))).containsExactly("Relayed 250");
        }
        assertThat(primary.connections()).isEqualTo(3);
        primary.awaitCommand("QUIT", Duration.ofSeconds(5));
    }

    @Test
    void anIdleConnectionIsClosedPolitely() throws Exception {
        use(SmtpClient.create().withLimits(ClientLimits.defaults().withIdle(Duration.ofMillis(20))));
        relay("a@example.test");

        primary.awaitCommand("QUIT", Duration.ofSeconds(5));
    }

    @Test
    void aKeptConnectionThatIsDeadIsReplacedOnce() throws Exception {
        relay("a@example.test");
        primary.behaviour(accepting().at(Point.MAIL, closeFirst()));

        assertThat(kinds(relay("b@example.test"))).containsExactly("Relayed 250");
        assertThat(primary.connections()).isEqualTo(2);
        assertThat(primary.messages()).hasSize(2);
    }

    private static Function<String, Answer> closeFirst() {
        AtomicBoolean first = new AtomicBoolean(true);
        return line -> first.getAndSet(false) ? new Answer.SayAndClose("421 4.3.2 Restarting\r\n") : null;
    }

    @Test
    void concurrentRequestsStayWithinTheLimits() throws Exception {
        use(SmtpClient.create().withLimits(ClientLimits.defaults().withConnectionsPerNextHop(3)));
        List<CompletionStage<RelayResult>> results = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            results.add(client.relay(request(envelope("r" + i + "@example.test"), BODY)));
        }
        for (CompletionStage<RelayResult> result : results) {
            assertThat(kinds(get(result))).containsExactly("Relayed 250");
        }
        assertThat(primary.messages()).hasSize(200);
        assertThat(primary.connections()).isEqualTo(3);
    }

    @Test
    void aTotalBelowTheNumberOfNextHopsStillServesAll() throws Exception {
        use(SmtpClient.create().withLimits(ClientLimits.defaults().withConnections(1)));
        try (FakePrimary second = FakePrimary.start()) {
            List<CompletionStage<RelayResult>> results = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                FakePrimary to = i % 2 == 0 ? primary : second;
                Envelope envelope = envelope("r" + i + "@example.test");
                NextHopAddress nextHop = new NextHopAddress(new NextHop("127.0.0.1", to.port()), to.address());
                results.add(client.relay(
                        new RelayRequest(nextHop, "mx2.test", envelope, envelope.recipients(), data(BODY))));
            }
            for (CompletionStage<RelayResult> result : results) {
                assertThat(kinds(get(result))).containsExactly("Relayed 250");
            }
            assertThat(primary.messages()).hasSize(20);
            assertThat(second.messages()).hasSize(20);
        }
    }

    @Test
    void manyRecipientsGoInSeveralTransactions() throws Exception {
        String[] recipients = new String[250];
        Arrays.setAll(recipients, i -> "r" + i + "@example.test");

        assertThat(kinds(relay(recipients))).hasSize(250).containsOnly("Relayed 250");
        assertThat(primary.messages()).extracting(m -> m.rcpts().size()).containsExactly(100, 100, 50);
    }

    @Test
    void recipientsTooManyForATransactionGoInTheNext() throws Exception {
        AtomicInteger count = new AtomicInteger();
        primary.behaviour(accepting()
                .at(Point.MAIL, line -> {
                    count.set(0);
                    return null;
                })
                .at(Point.RCPT, line -> count.incrementAndGet() > 4 ? new Answer.Say("452 4.5.3 Too many\r\n") : null));
        String[] recipients = new String[10];
        Arrays.setAll(recipients, i -> "r" + i + "@example.test");

        assertThat(kinds(relay(recipients))).hasSize(10).containsOnly("Relayed 250");
        assertThat(primary.messages()).extracting(m -> m.rcpts().size()).containsExactly(4, 4, 2);
    }

    @Test
    void honoursTheRecipientLimitAnnounced() throws Exception {
        primary.behaviour(accepting().offering("PIPELINING", "LIMITS RCPTMAX=2"));

        assertThat(kinds(relay("a@example.test", "b@example.test", "c@example.test")))
                .containsOnly("Relayed 250");
        assertThat(primary.messages()).extracting(m -> m.rcpts().size()).containsExactly(2, 1);
    }

    @Test
    void parametersGoWhereTheyAreOffered() throws Exception {
        Envelope envelope = Envelope.from(ReversePath.parse("from@sender.test"))
                .to(Recipient.of(ForwardPath.parse("a@example.test"))
                        .withNotify(EnumSet.of(Notify.SUCCESS, Notify.FAILURE))
                        .withOrcpt("rfc822;a+2Bb@example.test"))
                .bodyType(BodyType.EIGHT_BIT_MIME)
                .dsn(DsnParameters.none().withRet(Ret.HDRS).withEnvid("QQ314"))
                .build();
        get(client.relay(request(envelope, BODY)));
        assertThat(primary.commands())
                .contains(
                        "MAIL FROM:<from@sender.test> SIZE=" + BODY.length + " BODY=8BITMIME RET=HDRS ENVID=QQ314",
                        "RCPT TO:<a@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@example.test");

        primary.clear();
        primary.dropConnections();
        primary.behaviour(accepting().offering("PIPELINING"));
        assertThat(kinds(get(client.relay(request(envelope, BODY))))).containsExactly("Relayed 250");
        assertThat(primary.commands()).contains("MAIL FROM:<from@sender.test>", "RCPT TO:<a@example.test>");
    }

    @Test
    void addressesBeyondAsciiGoAsUtf8() throws Exception {
        Envelope envelope = Envelope.from(ReversePath.parse("jürgen@sender.test"))
                .to(Recipient.of(ForwardPath.parse("用户@example.test")))
                .smtpUtf8(true)
                .build();

        assertThat(kinds(get(client.relay(request(envelope, BODY))))).containsExactly("Relayed 250");
        assertThat(primary.commands())
                .contains(
                        "MAIL FROM:<jürgen@sender.test> SIZE=" + BODY.length + " SMTPUTF8",
                        "RCPT TO:<用户@example.test>");
    }

    @Test
    void withoutSmtpUtf8OnlyWhatNeedsItFails() throws Exception {
        primary.behaviour(accepting().without("SMTPUTF8"));
        Envelope mixed = Envelope.from(ReversePath.parse("from@sender.test"))
                .to(Recipient.of(ForwardPath.parse("ü@example.test")))
                .to(Recipient.of(ForwardPath.parse("a@example.test")))
                .smtpUtf8(true)
                .build();
        Envelope plain = Envelope.from(ReversePath.parse("from@sender.test"))
                .to(Recipient.of(ForwardPath.parse("a@example.test")))
                .smtpUtf8(true)
                .build();

        assertThat(kinds(get(client.relay(request(plain, BODY))))).containsExactly("Relayed 250");
        assertThat(kinds(get(client.relay(request(plain, "Subject: ü\r\n\r\nx\r\n".getBytes(StandardCharsets.UTF_8))))))
                .containsExactly("PermanentFailure 550");
        assertThat(kinds(get(client.relay(request(plain, "Subject: u\r\n\r\nü\r\n".getBytes(StandardCharsets.UTF_8))))))
                .containsExactly("Relayed 250");
        assertThat(outcomes(get(client.relay(request(mixed, BODY))))
                        .get(0)
                        .reply()
                        .toString())
                .startsWith("550 5.6.7");
    }

    @Test
    void largeMailDataIsStreamed() throws Exception {
        byte[] body = new byte[3_000_000];
        Arrays.fill(body, (byte) 'x');
        for (int i = 76; i + 2 < body.length; i += 79) {
            body[i] = '\r';
            body[i + 1] = '\n';
            body[i + 2] = '.';
        }
        assertThat(kinds(get(client.relay(request(envelope("a@example.test"), body)))))
                .containsExactly("Relayed 250");

        byte[] expected = Arrays.copyOf(body, body.length + 2);
        expected[body.length] = '\r';
        expected[body.length + 1] = '\n';
        assertThat(primary.messages().get(0).data()).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4095, 65_535, 65_536, 65_537, 131_072, 200_000})
    void mailDataOfAnySizeArrives(int size) throws Exception {
        byte[] body = new byte[size];
        Arrays.fill(body, (byte) 'x');
        if (size > 1) {
            body[size - 2] = '\r';
            body[size - 1] = '\n';
        }
        assertThat(kinds(get(client.relay(request(envelope("a@example.test"), body)))))
                .containsExactly("Relayed 250");
        assertThat(new String(primary.messages().get(0).data(), StandardCharsets.US_ASCII).stripTrailing())
                .isEqualTo(new String(body, StandardCharsets.US_ASCII).stripTrailing());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1000, 65_536, 100_000})
    void damagedMailDataIsNeverEnded(int readable) throws Exception {
        MailData damaged = new MailData() {
            @Override
            public long sizeBytes() {
                return 200_000;
            }

            @Override
            public InputStream open() {
                return new SequenceInputStream(new ByteArrayInputStream(new byte[readable]), failing());
            }
        };
        Envelope envelope = envelope("a@example.test", "b@example.test");
        RelayResult result =
                get(client.relay(new RelayRequest(nextHop(), "mx2.test", envelope, envelope.recipients(), damaged)));

        assertThat(kinds(result)).containsOnly("TransientFailure 451");
        // not 4.3.z, by which a next hop says that it is busy
        assertThat(outcomes(result).get(0).reply().enhanced()).contains(new EnhancedStatusCode(4, 6, 0));
        assertThat(primary.messages()).isEmpty();
    }

    private static InputStream failing() {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("bad sector");
            }

            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                return read();
            }
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {BODY_LENGTH - 1, BODY_LENGTH + 1})
    void mailDataOfAnotherLengthThanItSaysIsDamaged(int said) throws Exception {
        MailData wrong = new MailData() {
            @Override
            public long sizeBytes() {
                return said;
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(BODY);
            }
        };
        Envelope envelope = envelope("a@example.test");
        assertThat(kinds(get(
                        client.relay(new RelayRequest(nextHop(), "mx2.test", envelope, envelope.recipients(), wrong)))))
                .containsExactly("TransientFailure 451");
        assertThat(primary.messages()).isEmpty();
    }

    private static final int BODY_LENGTH = 43;

    /** Bound and not listening: refuses, and nobody else on the machine gets the port meanwhile. */
    private static Socket refusing() throws IOException {
        Socket socket = new Socket();
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        return socket;
    }

    private static NextHopAddress nextHop(Socket refusing) {
        return new NextHopAddress(new NextHop("127.0.0.1", refusing.getLocalPort()), refusing.getLocalAddress());
    }

    @Test
    void refusedConnectionIsNoSession() throws Exception {
        Envelope envelope = envelope("a@example.test");
        try (Socket refusing = refusing()) {
            RelayRequest request =
                    new RelayRequest(nextHop(refusing), "mx2.test", envelope, envelope.recipients(), data(BODY));
            assertThat(get(client.relay(request)))
                    .isInstanceOfSatisfying(
                            RelayResult.NoSession.class,
                            no -> assertThat(no.reply()).hasToString("451 4.4.1 Connection refused"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"421 4.3.2 Down for now", "554 5.3.2 No mail here"})
    void aRefusedGreetingIsNoSession(String banner) throws Exception {
        primary.behaviour(accepting().reply(Point.BANNER, banner));

        assertThat(relay("a@example.test"))
                .isInstanceOfSatisfying(
                        RelayResult.NoSession.class,
                        no -> assertThat(no.reply()).hasToString(banner));
        primary.awaitCommand("QUIT", Duration.ofSeconds(5));
    }

    @Test
    void worksAgainAfterThePrimaryWasAway() throws Exception {
        relay("a@example.test");
        primary.stop();
        assertThat(relay("b@example.test")).isInstanceOf(RelayResult.NoSession.class);
        primary.restart();
        assertThat(kinds(relay("c@example.test"))).containsExactly("Relayed 250");
    }

    // ---- life

    @Test
    void refusesBeforeStartAndAfterStop() throws Exception {
        SmtpClient other = SmtpClient.create();
        assertThatThrownBy(() -> other.relay(request(envelope("a@example.test"), BODY)))
                .isInstanceOf(IllegalStateException.class);
        get(other.stop(Duration.ZERO));
        assertThat(other.start()).isCompletedExceptionally();

        get(client.stop(Duration.ZERO));
        get(client.stop(Duration.ofDays(1)));
        assertThat(relay("a@example.test"))
                .isInstanceOfSatisfying(
                        RelayResult.NoSession.class,
                        no -> assertThat(no.reply().code()).isEqualTo(421));
        assertThat(get(client.probe(new ProbeRequest(
                        nextHop(), "mx2.test", ProbeDepth.EHLO, MailDomain.of("example.test"), Duration.ofSeconds(1)))))
                .isInstanceOf(ProbeResult.Unreachable.class);
    }

    @Test
    void stopLetsAttemptsEndWithinGrace() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        primary.behaviour(accepting().at(Point.END_OF_DATA, line -> {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return null;
        }));
        CompletionStage<RelayResult> result = client.relay(request(envelope("a@example.test"), BODY));
        primary.awaitCommand("DATA", Duration.ofSeconds(5));
        CompletionStage<Void> stopped = client.stop(Duration.ofMinutes(1));
        goOn.countDown();

        assertThat(kinds(get(result))).containsExactly("Relayed 250");
        get(stopped);
    }

    @Test
    void stopBreaksOffAfterGrace() throws Exception {
        primary.behaviour(accepting().stall(Point.DATA));
        CompletionStage<RelayResult> result = client.relay(request(envelope("a@example.test"), BODY));
        primary.awaitCommand("DATA", Duration.ofSeconds(5));

        get(client.stop(Duration.ofMillis(10)));

        assertThat(kinds(get(result))).containsExactly("TransientFailure 421");
    }

    @Test
    void stopBreaksOffWhoeverWaitsForABanner() throws Exception {
        primary.behaviour(accepting().stall(Point.BANNER));
        CompletionStage<RelayResult> result = client.relay(request(envelope("a@example.test"), BODY));

        get(client.stop(Duration.ZERO));

        assertThat(get(result)).isInstanceOf(RelayResult.NoSession.class);
    }

    // ---- probes

    private ProbeResult probe(ProbeDepth depth, Duration timeout) throws Exception {
        return get(
                client.probe(new ProbeRequest(nextHop(), "mx2.test", depth, MailDomain.of("example.test"), timeout)));
    }

    @Test
    void probesToEveryDepth() throws Exception {
        List<ProbeDepth> depths = List.of(ProbeDepth.TCP, ProbeDepth.BANNER, ProbeDepth.EHLO, ProbeDepth.RCPT);
        for (ProbeDepth depth : depths) {
            assertThat(probe(depth, Duration.ofSeconds(5)))
                    .isInstanceOfSatisfying(ProbeResult.Healthy.class, healthy -> {
                        PrimaryCapabilities learned = healthy.capabilities();
                        assertThat(learned.banner().isEmpty()).isEqualTo(depth == ProbeDepth.TCP);
                        assertThat(learned.offers("pipelining")).isEqualTo(depth.compareTo(ProbeDepth.EHLO) >= 0);
                        assertThat(learned.tls()).isEmpty();
                    });
        }
        assertThat(primary.commands())
                .contains("MAIL FROM:<>", "RCPT TO:<postmaster@example.test>")
                .doesNotContain("DATA");
        assertThat(primary.connections()).isEqualTo(4);
    }

    @Test
    void aPrimaryWithoutStartTlsFailsTheProbeThatAsksForIt() throws Exception {
        assertThat(probe(ProbeDepth.STARTTLS, Duration.ofSeconds(5)))
                .isEqualTo(new ProbeResult.Unreachable("STARTTLS not offered"));
        assertThat(primary.commands()).doesNotContain("STARTTLS");
    }

    @Test
    void aProbeTellsRefusalFromSilence() throws Exception {
        primary.behaviour(accepting().reply(Point.RCPT, "450 4.2.0 Later"));
        assertThat(probe(ProbeDepth.EHLO, Duration.ofSeconds(5))).isInstanceOf(ProbeResult.Healthy.class);
        assertThat(probe(ProbeDepth.RCPT, Duration.ofSeconds(5)))
                .isInstanceOfSatisfying(
                        ProbeResult.Refused.class,
                        refused -> assertThat(refused.reply()).hasToString("450 4.2.0 Later"));

        primary.behaviour(accepting().reply(Point.BANNER, "554 5.3.2 No"));
        assertThat(probe(ProbeDepth.TCP, Duration.ofSeconds(5))).isInstanceOf(ProbeResult.Healthy.class);
        assertThat(probe(ProbeDepth.BANNER, Duration.ofSeconds(5))).isInstanceOf(ProbeResult.Refused.class);

        primary.behaviour(accepting().stall(Point.BANNER));
        assertThat(probe(ProbeDepth.BANNER, Duration.ofMillis(50)))
                .isInstanceOfSatisfying(
                        ProbeResult.Unreachable.class,
                        unreachable -> assertThat(unreachable.reason()).contains("waiting for the banner"));

        try (Socket refusing = refusing()) {
            ProbeRequest request = new ProbeRequest(
                    nextHop(refusing),
                    "mx2.test",
                    ProbeDepth.TCP,
                    MailDomain.of("example.test"),
                    Duration.ofSeconds(5));
            assertThat(get(client.probe(request)))
                    .isInstanceOfSatisfying(
                            ProbeResult.Unreachable.class,
                            unreachable -> assertThat(unreachable.reason()).isEqualTo("Connection refused"));
        }
    }
}
