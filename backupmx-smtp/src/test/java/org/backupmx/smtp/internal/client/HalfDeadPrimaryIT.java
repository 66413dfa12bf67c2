package org.backupmx.smtp.internal.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.netty.util.ResourceLeakDetector;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.HealthThresholds;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.health.PrimaryMonitor;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.smtp.ClientLimits;
import org.backupmx.smtp.ClientTimeouts;
import org.backupmx.smtp.internal.transport.RunningLoops;
import org.backupmx.smtp.internal.transport.SocketTransport;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rows E1, E3 and E4, proof 4 of issue 5: what a probe makes of a primary that is half dead, what state follows, and
 * what it costs. The waits of the dialogue are those of RFC 5321, minutes, so that only the probe's timeout ends one.
 */
class HalfDeadPrimaryIT {

    /** Of primaries that hang: a probe ends no earlier, and with a machine's slowness not much later. */
    private static final Duration SHORT = Duration.ofMillis(600);

    /** Of those that say what they have to say. */
    private static final Duration LONG = Duration.ofSeconds(60);

    private static final Duration SLOWNESS = Duration.ofSeconds(30);
    private static final int FALL = 2;

    /** All that is read of what is no flood. */
    private static final long LITTLE = 4096;

    /** A reply that is too long, and the rest of the last read. */
    private static final long ONE_REPLY = 2 * 65_536;

    private static final long ALL = Probe.MAX_OCTETS + 65_536;

    private static final Instant CERTIFICATE_END =
            Instant.now().plus(30, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS);

    private static final UnpooledByteBufAllocator ALLOCATOR = new UnpooledByteBufAllocator(true);
    private static final AtomicLong OCTETS = new AtomicLong();
    private static final Queue<CountingChannel> CHANNELS = new ConcurrentLinkedQueue<>();
    private static final ResourceLeakDetector.Level LEVEL_BEFORE = ResourceLeakDetector.getLevel();

    private static RunningLoops loops;
    private static RelayEngine engine;

    /** Counts what is read from its socket, and takes its buffers where they are counted. */
    private static final class CountingChannel extends NioSocketChannel {
        CountingChannel() {
            config().setAllocator(ALLOCATOR);
            CHANNELS.add(this);
        }

        @Override
        protected int doReadBytes(ByteBuf in) throws Exception {
            int count = super.doReadBytes(in);
            OCTETS.addAndGet(Math.max(count, 0));
            return count;
        }
    }

    @BeforeAll
    static void start() throws Exception {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        loops = new RunningLoops(
                new SocketTransport(
                        "counting",
                        NioIoHandler::newFactory,
                        SocketTransport.nio().server(),
                        () -> (SocketChannel) new CountingChannel(),
                        true),
                new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory()));
        engine = new RelayEngine(loops, ClientTimeouts.rfc5321(), ClientLimits.defaults(), true);
        try (FakePrimary primary = FakePrimary.start()) { // what takes long once in a JVM is not in any short wait
            primary.behaviour(accepting().secure(tls()));
            assertThat(probe(primary.port(), ProbeDepth.STARTTLS, LONG).get(60, TimeUnit.SECONDS))
                    .isInstanceOf(ProbeResult.Healthy.class);
        }
    }

    @AfterAll
    static void stop() throws Exception {
        engine.stop(Duration.ofMinutes(1)).toCompletableFuture().get(30, TimeUnit.SECONDS);
        loops.close();
        ResourceLeakDetector.setLevel(LEVEL_BEFORE);
    }

    private static SSLContext tls() throws Exception {
        X509Bundle bundle = new CertificateBuilder()
                .subject("CN=primary.test")
                .notAfter(CERTIFICATE_END)
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(bundle.toKeyManagerFactory().getKeyManagers(), null, null);
        return context;
    }

    private static CompletableFuture<ProbeResult> probe(int port, ProbeDepth depth, Duration timeout) {
        return engine.probe(new ProbeRequest(
                        new NextHopAddress(new NextHop("127.0.0.1", port), InetAddress.getLoopbackAddress()),
                        "mx2.test",
                        depth,
                        MailDomain.of("example.test"),
                        timeout))
                .toCompletableFuture();
    }

    private static String text(ProbeResult result) {
        if (result instanceof ProbeResult.Refused refused) {
            return "Refused " + refused.reply();
        }
        if (result instanceof ProbeResult.Unreachable unreachable) {
            return "Unreachable " + unreachable.reason().replace("(handshake_failure) ", ""); // newer JDKs name it
        }
        return "Healthy";
    }

    private static PrimaryHealth healthAfter(List<ProbeResult> results) {
        Instant now = Instant.EPOCH;
        PrimaryMonitor monitor = new PrimaryMonitor(
                HealthProbe.recipient().thresholds(new HealthThresholds(1, FALL)), new Random(1), now);
        for (ProbeResult result : results) {
            now = now.plusSeconds(60);
            monitor.probed(result, now);
        }
        return monitor.health();
    }

    static Stream<Arguments> halfDead() {
        PrimaryBehaviour good = accepting();
        PrimaryHealth up = PrimaryHealth.UP;
        PrimaryHealth down = PrimaryHealth.DOWN;
        PrimaryHealth busy = PrimaryHealth.DEGRADED;
        PrimaryHealth rejecting = PrimaryHealth.REJECTING;
        String late = "Unreachable Timed out as a whole, waiting for the ";
        String lost = "Unreachable Connection lost ";
        String broken = "Unreachable Protocol error of the next hop: ";
        return Stream.of(
                arguments("alive", good, LONG, "Healthy", up, LITTLE),
                arguments(
                        "no such postmaster",
                        good.reply(Point.RCPT, "550 5.1.1 No such user"),
                        LONG,
                        "Healthy",
                        up,
                        LITTLE),
                arguments(
                        "5yz to postmaster",
                        good.reply(Point.RCPT, "550 No"),
                        LONG,
                        "Refused 550 No",
                        rejecting,
                        LITTLE),
                arguments(
                        "5yz to us at RCPT",
                        good.reply(Point.RCPT, "554 5.7.1 Client host rejected"),
                        LONG,
                        "Refused 554 5.7.1 Client host rejected",
                        rejecting,
                        LITTLE),
                arguments(
                        "4yz to all RCPT",
                        good.reply(Point.RCPT, "450 4.2.0 Later"),
                        LONG,
                        "Refused 450 4.2.0 Later",
                        busy,
                        LITTLE),
                arguments(
                        "4yz to MAIL",
                        good.reply(Point.MAIL, "452 4.3.1 Full"),
                        LONG,
                        "Refused 452 4.3.1 Full",
                        busy,
                        LITTLE),
                arguments(
                        "421 at RCPT, then gone",
                        good.replyAndClose(Point.RCPT, "421 4.3.2 Closing"),
                        LONG,
                        "Refused 421 4.3.2 Closing",
                        busy,
                        LITTLE),
                arguments("silence", good.stall(Point.BANNER), SHORT, late + "banner", down, 0L),
                arguments(
                        "421 banner",
                        good.replyAndClose(Point.BANNER, "421 4.7.0 Too many connections"),
                        LONG,
                        "Refused 421 4.7.0 Too many connections",
                        busy,
                        LITTLE),
                arguments(
                        "554 banner",
                        good.reply(Point.BANNER, "554 5.7.1 Go away"),
                        LONG,
                        "Refused 554 5.7.1 Go away",
                        rejecting,
                        LITTLE),
                arguments(
                        "354 banner",
                        good.reply(Point.BANNER, "354 Go on"),
                        LONG,
                        broken + "an unexpected reply to the greeting",
                        down,
                        LITTLE),
                arguments(
                        "closes at once",
                        good.close(Point.BANNER),
                        LONG,
                        lost + "waiting for the banner",
                        down,
                        LITTLE),
                arguments(
                        "half-closes at once",
                        good.at(Point.BANNER, new Answer.SayAndHalfClose("")),
                        LONG,
                        lost + "waiting for the banner",
                        down,
                        LITTLE),
                arguments(
                        "half-closes after the banner",
                        good.at(Point.BANNER, new Answer.SayAndHalfClose("220 primary.test\r\n")),
                        LONG,
                        lost + "waiting for the reply to EHLO",
                        down,
                        LITTLE),
                arguments(
                        "an octet now and then",
                        good.at(Point.BANNER, new Answer.Trickle("220-primary.test\r\n", Duration.ofMillis(50))),
                        SHORT,
                        late + "banner",
                        down,
                        LITTLE),
                arguments(
                        "an octet of EHLO now and then",
                        good.at(Point.EHLO, new Answer.Trickle("250-X\r\n", Duration.ofMillis(50))),
                        SHORT,
                        late + "reply to EHLO",
                        down,
                        LITTLE),
                arguments("EHLO is not answered", good.stall(Point.EHLO), SHORT, late + "reply to EHLO", down, LITTLE),
                arguments("RCPT is not answered", good.stall(Point.RCPT), SHORT, late + "reply to RCPT", down, LITTLE),
                arguments(
                        "5yz to EHLO and HELO",
                        good.reply(Point.EHLO, "500 5.5.1 What?").reply(Point.HELO, "500 5.5.1 What?"),
                        LONG,
                        "Refused 500 5.5.1 What?",
                        rejecting,
                        LITTLE),
                arguments(
                        "endless banner of lines",
                        good.flood(Point.BANNER, "220-x\r\n"),
                        LONG,
                        broken + "a reply of more than 128 lines",
                        down,
                        ONE_REPLY),
                arguments(
                        "endless banner in a line",
                        good.flood(Point.BANNER, "220 " + "x".repeat(5000)),
                        LONG,
                        broken + "reply longer than 65536 octets",
                        down,
                        ONE_REPLY),
                arguments(
                        "endless EHLO of lines",
                        good.flood(Point.EHLO, "250-X-" + "x".repeat(1000) + "\r\n"),
                        LONG,
                        broken + "reply longer than 65536 octets",
                        down,
                        ONE_REPLY),
                arguments(
                        "endless replies to RCPT",
                        good.flood(Point.RCPT, "250 2.1.5 Ok\r\n"),
                        LONG,
                        "Healthy",
                        up,
                        ONE_REPLY),
                arguments(
                        "control characters",
                        good.at(Point.BANNER, new Answer.Say("\0\1\2\u001b[2J\r\n")),
                        LONG,
                        broken + "not a reply",
                        down,
                        LITTLE),
                arguments(
                        "NUL in a code",
                        good.at(Point.BANNER, new Answer.Say("22\0 primary.test\r\n")),
                        LONG,
                        broken + "not a reply",
                        down,
                        LITTLE),
                arguments(
                        "control characters in a reply",
                        good.at(Point.RCPT, new Answer.Say("550 5.7.1 a\0b\u001b[2Jc\rd\r\n")),
                        LONG,
                        "Refused 550 5.7.1 a?b?[2Jc?d",
                        rejecting,
                        LITTLE),
                arguments(
                        "another protocol",
                        good.at(Point.BANNER, new Answer.Say("SSH-2.0-OpenSSH_9.9\r\n")),
                        LONG,
                        broken + "not a reply",
                        down,
                        LITTLE));
    }

    static Stream<Arguments> halfDeadInTls() throws Exception {
        PrimaryBehaviour good = accepting();
        PrimaryBehaviour secure = good.secure(tls());
        PrimaryBehaviour offering = good.offering("PIPELINING", "STARTTLS");
        Answer goOn = new Answer.Say("220 2.0.0 Go on\r\n");
        PrimaryHealth down = PrimaryHealth.DOWN;
        String broken = "Unreachable TLS handshake failed: ";
        return Stream.of(
                arguments("alive", secure, LONG, "Healthy", PrimaryHealth.UP, LITTLE),
                arguments("STARTTLS not offered", good, LONG, "Unreachable STARTTLS not offered", down, LITTLE),
                arguments(
                        "STARTTLS 454",
                        offering.reply(Point.STARTTLS, "454 4.7.0 Not now"),
                        LONG,
                        "Refused 454 4.7.0 Not now",
                        PrimaryHealth.DEGRADED,
                        LITTLE),
                arguments(
                        "STARTTLS 502", offering, LONG, "Refused 502 5.5.1 Not here", PrimaryHealth.REJECTING, LITTLE),
                arguments(
                        "STARTTLS 250",
                        offering.reply(Point.STARTTLS, "250 2.0.0 Fine"),
                        LONG,
                        "Unreachable Protocol error of the next hop: reply 250 to STARTTLS",
                        down,
                        LITTLE),
                arguments(
                        "a reply is put behind the one to STARTTLS",
                        offering.reply(Point.STARTTLS, "220 2.0.0 Go on", "250 2.0.0 Injected"),
                        LONG,
                        "Unreachable Protocol error of the next hop: data after the reply to STARTTLS",
                        down,
                        LITTLE),
                arguments(
                        "handshake hangs",
                        offering.at(Point.STARTTLS, new Answer.Then(goOn, new Answer.Stall())),
                        SHORT,
                        "Unreachable Timed out as a whole, in the TLS handshake",
                        down,
                        LITTLE),
                arguments(
                        "an octet of the handshake now and then",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(
                                        goOn,
                                        new Answer.Trickle("\u0016\u0003\u0003\u0010\0\u0002", Duration.ofMillis(50)))),
                        SHORT,
                        "Unreachable Timed out as a whole, in the TLS handshake",
                        down,
                        LITTLE),
                arguments(
                        "handshake garbage",
                        offering.at(
                                Point.STARTTLS, new Answer.Then(goOn, new Answer.Say("HTTP/1.1 400 Bad Request\r\n"))),
                        LONG,
                        broken + "no TLS record",
                        down,
                        LITTLE),
                arguments(
                        "handshake refused",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(goOn, new Answer.Say("\u0015\u0003\u0003\0\u0002\u0002("))),
                        LONG,
                        broken + "Received fatal alert: handshake_failure",
                        down,
                        LITTLE),
                arguments(
                        "closes in the handshake",
                        offering.at(Point.STARTTLS, new Answer.Then(goOn, new Answer.SayAndClose(""))),
                        LONG,
                        "Unreachable Connection lost in the TLS handshake",
                        down,
                        LITTLE),
                arguments(
                        "endless TLS records",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(goOn, new Answer.Flood("\u0014\u0003\u0003\0\u0001\u0001"))),
                        LONG,
                        broken + "Unrecognized SSL message, plaintext connection?",
                        down,
                        ALL),
                arguments(
                        "endless TLS warnings",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(
                                        goOn, new Answer.Flood("\u0015\u0003\u0003\0\u0002\u0001Z".repeat(1000)))),
                        LONG,
                        "Unreachable Protocol error of the next hop: more than 262144 octets",
                        down,
                        ALL),
                arguments(
                        "silence inside TLS",
                        secure.stall(Point.EHLO_IN_TLS),
                        SHORT,
                        "Unreachable Timed out as a whole, waiting for the reply to EHLO",
                        down,
                        LITTLE),
                arguments(
                        "421 inside TLS",
                        secure.replyAndClose(Point.EHLO_IN_TLS, "421 4.3.2 Closing"),
                        LONG,
                        "Refused 421 4.3.2 Closing",
                        PrimaryHealth.DEGRADED,
                        LITTLE),
                arguments(
                        "endless EHLO inside TLS",
                        secure.flood(Point.EHLO_IN_TLS, "250-X-" + "x".repeat(1000) + "\r\n"),
                        LONG,
                        "Unreachable Protocol error of the next hop: reply longer than 65536 octets",
                        down,
                        ALL),
                arguments(
                        "closes inside TLS",
                        secure.close(Point.EHLO_IN_TLS),
                        LONG,
                        "Unreachable Connection lost waiting for the reply to EHLO",
                        down,
                        LITTLE));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("halfDead")
    void stateAndCostToRcpt(
            String name,
            PrimaryBehaviour behaviour,
            Duration timeout,
            String expected,
            PrimaryHealth health,
            long mostOctets)
            throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(behaviour);
            probeUntilFall(primary, ProbeDepth.RCPT, timeout, expected, health, mostOctets);
            assertThat(primary.commands()).noneMatch(command -> command.startsWith("DATA"));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("halfDeadInTls")
    void stateAndCostToStartTls(
            String name,
            PrimaryBehaviour behaviour,
            Duration timeout,
            String expected,
            PrimaryHealth health,
            long mostOctets)
            throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(behaviour);
            probeUntilFall(primary, ProbeDepth.STARTTLS, timeout, expected, health, mostOctets);
        }
    }

    @Test
    void whoRefusesConnectionsIsDownAtOnce() throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.stop();
            List<ProbeResult> results = probes(primary.port(), ProbeDepth.RCPT, LONG);
            assertThat(results).allMatch(result -> text(result).equals("Unreachable Connection refused"));
            assertThat(healthAfter(results)).isEqualTo(PrimaryHealth.DOWN);
            assertNothingIsLeft();
        }
    }

    private static void probeUntilFall(
            FakePrimary primary,
            ProbeDepth depth,
            Duration timeout,
            String expected,
            PrimaryHealth health,
            long mostOctets) {
        OCTETS.set(0);
        long start = System.nanoTime();
        List<ProbeResult> results = probes(primary.port(), depth, timeout);
        Duration took = Duration.ofNanos(System.nanoTime() - start);

        assertThat(results).extracting(HalfDeadPrimaryIT::text).containsOnly(expected);
        assertThat(healthAfter(results)).isEqualTo(health);
        assertThat(took).isLessThan(timeout.equals(SHORT) ? SHORT.plus(SLOWNESS) : SLOWNESS);
        if (timeout.equals(SHORT)) {
            assertThat(took).isGreaterThanOrEqualTo(SHORT);
        }
        assertNothingIsLeft();
        assertThat(primary.connections()).as("connections").isEqualTo(FALL);
        assertThat(OCTETS.get()).as("octets read").isLessThanOrEqualTo(FALL * mostOctets);
    }

    /** Probes as often as it takes to fall, all at once: each has a connection of its own. */
    private static List<ProbeResult> probes(int port, ProbeDepth depth, Duration timeout) {
        List<CompletableFuture<ProbeResult>> probes =
                Stream.generate(() -> probe(port, depth, timeout)).limit(FALL).toList();
        return probes.stream()
                .map(probe -> probe.orTimeout(60, TimeUnit.SECONDS).join())
                .toList();
    }

    private static void assertNothingIsLeft() {
        await().pollInterval(10, TimeUnit.MILLISECONDS).untilAsserted(() -> {
            assertThat(CHANNELS).noneMatch(SocketChannel::isOpen);
            assertThat(ALLOCATOR.metric().usedDirectMemory()).isZero();
            assertThat(ALLOCATOR.metric().usedHeapMemory()).isZero();
        });
        CHANNELS.clear();
    }

    @ParameterizedTest
    @ValueSource(strings = {"250 2.1.5 Ok", "450 4.2.0 Later", "550 5.1.1 No", "554 5.7.1 No"})
    void whateverIsSaidToRcptRsetAndQuitFollow(String reply) throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(accepting().reply(Point.RCPT, reply));
            probe(primary.port(), ProbeDepth.RCPT, LONG).get(20, TimeUnit.SECONDS);
            primary.awaitCommand("QUIT", Duration.ofSeconds(20));
            assertThat(primary.commands())
                    .containsExactly(
                            "EHLO mx2.test", "MAIL FROM:<>", "RCPT TO:<postmaster@example.test>", "RSET", "QUIT");
            assertNothingIsLeft();
        }
    }

    @Test
    void nobodyWaitsForAFarewell() throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(accepting().stall(Point.RSET));
            assertThat(probe(primary.port(), ProbeDepth.RCPT, LONG).get(4, TimeUnit.SECONDS))
                    .isInstanceOf(ProbeResult.Healthy.class);
            await().atMost(20, TimeUnit.SECONDS).until(() -> CHANNELS.stream().noneMatch(SocketChannel::isOpen));
            assertNothingIsLeft();
        }
    }

    @Test
    void whatIsLearnedOnTheWayIsSafe() throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(accepting()
                    .at(Point.BANNER, new Answer.Say("220-prim\u001b[2Jary\0.test ESMTP\r\n220 more\r\n"))
                    .offering("SIZE 1000", "X-\u0007")
                    .secure(tls()));
            ProbeResult result =
                    probe(primary.port(), ProbeDepth.STARTTLS, LONG).get(20, TimeUnit.SECONDS);
            PrimaryCapabilities learned = ((ProbeResult.Healthy) result).capabilities();
            assertThat(learned.banner()).isEqualTo("prim?[2Jary?.test ESMTP");
            assertThat(learned.extensions()).containsExactly("SIZE 1000", "X-?");
            assertThat(learned.maxMessageBytes()).hasValue(1000);
            assertThat(learned.tls())
                    .hasValueSatisfying(tls -> assertThat(tls.certificateEnd()).isEqualTo(CERTIFICATE_END));
            assertNothingIsLeft();
        }
    }

    @Test
    void whatWasOfferedInClearIsForgottenInTls() throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(accepting().secure(tls()).reply(Point.EHLO_IN_TLS, "500 5.5.1 What?"));
            ProbeResult result =
                    probe(primary.port(), ProbeDepth.STARTTLS, LONG).get(20, TimeUnit.SECONDS);
            PrimaryCapabilities learned = ((ProbeResult.Healthy) result).capabilities();
            assertThat(learned.extensions()).isEmpty();
            assertThat(primary.commands()).contains("HELO mx2.test");
            assertNothingIsLeft();
        }
    }
}
