package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.haproxy.HAProxyCommand;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageEncoder;
import io.netty.handler.codec.haproxy.HAProxyProtocolVersion;
import io.netty.handler.codec.haproxy.HAProxyProxiedProtocol;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.backupmx.intake.ClientInfo;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.Level;

/** The PROXY protocol as a listener takes it (features row A13), and what becomes of lies (T18). */
class ProxyHeaderTest {

    private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
    private static final String BANNER = "220 mx2.example.net ESMTP\r\n";
    private static final ClientInfo PEER = new ClientInfo(SessionHarness.CLIENT, SessionHarness.SERVER);
    private static final ClientInfo V4 =
            new ClientInfo(new InetSocketAddress("203.0.113.9", 4711), new InetSocketAddress("203.0.113.25", 25));
    private static final ClientInfo V6 =
            new ClientInfo(new InetSocketAddress("2001:db8::9", 65535), new InetSocketAddress("2001:db8::25", 25));
    private static final String V2_V4 = "2111000c" + "cb007109" + "cb007119" + "1267" + "0019";

    private final ScriptedIntake intake = new ScriptedIntake();

    private static byte[] v1(String line) {
        return (line + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] v2(String afterSignature) {
        return HexFormat.of().parseHex(SIGNATURE + afterSignature);
    }

    private SessionHarness proxy() {
        return new SessionHarness(
                intake, SmtpLimits.defaults(), BareLineEnds.NORMALISE, null, SessionHarness.BEHIND_PROXY);
    }

    private static SessionHarness send(SessionHarness session, byte[] octets) {
        return session.send(octets, 0, octets.length);
    }

    static Stream<Arguments> headers() {
        String unix = HexFormat.of().formatHex(Arrays.copyOf("/run/a".getBytes(StandardCharsets.US_ASCII), 216));
        return Stream.of(
                Arguments.of("TCP4", v1("PROXY TCP4 203.0.113.9 203.0.113.25 4711 25"), V4),
                Arguments.of("TCP6", v1("PROXY TCP6 2001:db8::9 2001:db8::25 65535 25"), V6),
                Arguments.of(
                        "TCP6 of the greatest length there is for addresses",
                        v1("PROXY TCP6 2001:0db8:0000:0000:0000:0000:0000:0009 2001:0db8:0000:0000:0000:0000:0000:0025"
                                + " 65535 25"),
                        V6),
                Arguments.of("UNKNOWN", v1("PROXY UNKNOWN"), PEER),
                Arguments.of(
                        "UNKNOWN with all there is room for",
                        v1("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
                                + " ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"),
                        PEER),
                Arguments.of("v2 IPv4", v2(V2_V4), V4),
                Arguments.of(
                        "v2 IPv6",
                        v2("21210024" + "20010db8000000000000000000000009" + "20010db8000000000000000000000025" + "ffff"
                                + "0019"),
                        V6),
                Arguments.of("v2 LOCAL", v2("20000000"), PEER),
                Arguments.of("v2 LOCAL with addresses", v2("20" + V2_V4.substring(2)), PEER),
                Arguments.of("v2 of no family", v2("21000000"), PEER),
                Arguments.of("v2 of no family, with a TLV", v2("21000006" + "040003" + "000000"), PEER),
                Arguments.of("v2 UNIX", v2("213100d8" + unix), PEER),
                Arguments.of("v2 TLVs", v2("21110017" + V2_V4.substring(8) + "040001" + "00" + "02000461626364"), V4),
                Arguments.of("v2 TLV cut short", v2("2111000f" + V2_V4.substring(8) + "20ffff"), V4),
                Arguments.of("v2 as long as may be", v2("21110ff0" + V2_V4.substring(8) + "ff".repeat(4068)), V4));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void a13_theClientIsWhomTheHeaderNames(String name, byte[] header, ClientInfo client) {
        SessionHarness session = send(proxy(), header);
        assertThat(session.said()).isEqualTo(BANNER);
        assertThat(intake.clients()).containsExactly(client);
        assertThat(session.send("EHLO a\r\n").said()).startsWith("250-");
        leave(session);
    }

    private void leave(SessionHarness session) {
        session.vanish();
        session.checkException();
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.openSessions()).isZero();
        assertThat(session.bufferBytes()).isZero();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void a13_theHeaderMayComeInAnyTwoPieces(String name, byte[] header, ClientInfo client) {
        byte[] all = Arrays.copyOf(header, header.length + 8);
        System.arraycopy("EHLO a\r\n".getBytes(StandardCharsets.US_ASCII), 0, all, header.length, 8);
        for (int cut = 1; cut < all.length; cut++) {
            ScriptedIntake own = new ScriptedIntake();
            SessionHarness session = new SessionHarness(
                    own, SmtpLimits.defaults(), BareLineEnds.NORMALISE, null, SessionHarness.BEHIND_PROXY);
            session.send(all, 0, cut);
            // the banner waits for the whole header
            String first = session.said();
            assertThat(first.isEmpty()).as("cut at %d", cut).isEqualTo(cut < header.length);
            session.send(all, cut, all.length);
            assertThat(first + session.said()).as("cut at %d", cut).startsWith(BANNER + "250-mx2");
            assertThat(own.clients()).containsExactly(client);
            session.vanish();
            session.checkException();
            assertThat(session.bufferBytes()).isZero();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void a13_theHeaderMayComeInSingleOctets(String name, byte[] header, ClientInfo client) {
        SessionHarness session = proxy();
        for (int i = 0; i < header.length; i++) {
            assertThat(session.said()).isEmpty();
            session.send(header, i, i + 1);
        }
        assertThat(session.said()).isEqualTo(BANNER);
        assertThat(intake.clients()).containsExactly(client);
        leave(session);
    }

    @Test
    void a13_aWholeDialogueMayFollowInTheSameSegment() {
        byte[] all = v1(String.join(
                "\r\n",
                "PROXY TCP4 203.0.113.9 203.0.113.25 4711 25",
                "EHLO a",
                "MAIL FROM:<a@example.org>",
                "RCPT TO:<b@example.net>",
                "DATA",
                "PROXY TCP4 1.2.3.4",
                ".",
                "QUIT"));
        SessionHarness session = send(proxy(), all);
        assertThat(session.said()).startsWith(BANNER).contains("354 ").endsWith("221 2.0.0 Bye\r\n");
        assertThat(session.isClosed()).isTrue();
        assertThat(intake.messages())
                .singleElement()
                .satisfies(message -> assertThat(message.mailData()).isEqualTo("PROXY TCP4 1.2.3.4\r\n"));
        leave(session);
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of("EHLO", "EHLO a".getBytes(StandardCharsets.US_ASCII), 1),
                Arguments.of("P and more", "PR0".getBytes(StandardCharsets.US_ASCII), 3),
                Arguments.of("an empty line", v1("\r\nEHLO a"), 3),
                Arguments.of("lower case", v1("proxy TCP4 1.2.3.4 1.2.3.4 1 1"), 1),
                Arguments.of("no family", v1("PROXY "), 0),
                Arguments.of("short", v1("PROXY TCP4"), 0),
                Arguments.of("another family", v1("PROXY UDP4 1.2.3.4 1.2.3.4 1 1"), 0),
                Arguments.of("unix", v1("PROXY UNIX_STREAM /a /b 0 0"), 0),
                Arguments.of("no ports", v1("PROXY TCP4 1.2.3.4 1.2.3.4"), 0),
                Arguments.of("one port", v1("PROXY TCP4 1.2.3.4 1.2.3.4 25"), 0),
                Arguments.of("port too large", v1("PROXY TCP4 1.2.3.4 1.2.3.4 65536 25"), 0),
                Arguments.of("negative port", v1("PROXY TCP4 1.2.3.4 1.2.3.4 25 -1"), 0),
                Arguments.of("port that is none", v1("PROXY TCP4 1.2.3.4 1.2.3.4 x 25"), 0),
                Arguments.of("address that is none", v1("PROXY TCP4 1.2.3.256 1.2.3.4 1 25"), 0),
                Arguments.of("name", v1("PROXY TCP4 localhost 1.2.3.4 1 25"), 0),
                Arguments.of("IPv6 as TCP4", v1("PROXY TCP4 2001:db8::1 2001:db8::1 1 25"), 0),
                Arguments.of("IPv4 as TCP6", v1("PROXY TCP6 1.2.3.4 1.2.3.4 1 25"), 0),
                Arguments.of("bare LF", "PROXY TCP4 1.2.3.4 1.2.3.4 1 25\n".getBytes(StandardCharsets.US_ASCII), 0),
                Arguments.of(
                        "107 octets without an end",
                        ("PROXY UNKNOWN " + "x".repeat(93)).getBytes(StandardCharsets.US_ASCII),
                        107),
                Arguments.of("a longer line", v1("PROXY UNKNOWN " + "x".repeat(92)), 107),
                Arguments.of("v2 signature with an error", HexFormat.of().parseHex("0d0a0d0a000d0b"), 7),
                Arguments.of("v2 of version 1", v2("11"), 13),
                Arguments.of("v2 of version 3", v2("31"), 13),
                Arguments.of("v2 of version 15", v2("ff"), 13),
                Arguments.of("v2 of command 2", v2("22"), 13),
                Arguments.of("v2 of family 4", v2("2141000c" + V2_V4.substring(8)), 0),
                Arguments.of("v2 datagrams", v2("2112000c" + V2_V4.substring(8)), 0),
                Arguments.of("v2 unix datagrams", v2("213200d8" + "00".repeat(216)), 0),
                Arguments.of("v2 addresses too short", v2("2111000b" + V2_V4.substring(8, 30)), 0),
                Arguments.of("v2 IPv6 addresses too short", v2("2121000c" + V2_V4.substring(8)), 0),
                Arguments.of("v2 too long", v2("21110ff1"), 16),
                Arguments.of("v2 far too long", v2("2111ffff"), 16));
    }

    /** @param at how many octets are enough to see it, 0 for all */
    @ParameterizedTest(name = "{0}")
    @MethodSource("faults")
    void a13_aHeaderAtFaultIsClosedOnAtOnceWithoutAWord(String name, byte[] header, int at) throws Exception {
        for (boolean whole : List.of(true, false)) {
            try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.INFO)) {
                SessionHarness session = proxy();
                int sent = 0;
                if (whole) {
                    send(session, header);
                } else {
                    while (!session.isClosed() && sent < header.length) {
                        session.send(header, sent, ++sent);
                    }
                    assertThat(sent).isEqualTo(at == 0 ? header.length : at);
                }
                assertThat(session.isClosed()).isTrue();
                assertThat(session.said()).isEmpty();
                assertThat(log.lines()).singleElement().asString().contains("proxy turned away", "192.0.2.1");
                session.send("EHLO a\r\n");
                leave(session);
            }
        }
        assertThat(intake.clients()).isEmpty();
    }

    @Test
    void a13_withoutAHeaderInTimeTheConnectionIsClosed() {
        SessionHarness silent = proxy();
        SessionHarness slow = proxy();
        byte[] header = v1("PROXY TCP4 203.0.113.9 203.0.113.25 4711 25");
        for (int second = 1; second <= 5; second++) {
            slow.send(header, second - 1, second);
            slow.pass(Duration.ofSeconds(1));
            silent.pass(Duration.ofSeconds(1));
            assertThat(silent.isClosed()).isFalse();
            assertThat(slow.isClosed()).isFalse();
        }
        for (SessionHarness late : List.of(silent, slow)) {
            late.pass(Duration.ofSeconds(1));
            assertThat(late.isClosed()).isTrue();
            assertThat(late.said()).isEmpty();
            leave(late);
        }
    }

    @Test
    void a13_aProxyThatComesAndGoesIsNothing() throws Exception {
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.INFO)) {
            SessionHarness session = proxy();
            session.send("PROXY");
            leave(session);
            assertThat(log.lines()).isEmpty();
        }
        assertThat(intake.calls()).isEmpty();
    }

    @Test
    void a13_drainingClosesOnWhoHasNotSaid() {
        SessionHarness session = proxy();
        session.loop().drain();
        assertThat(session.said()).isEmpty();
        assertThat(session.isClosed()).isTrue();
        assertThat(session.loop().emptied()).isCompleted();
        leave(session);
    }

    // ---- T18 ----

    @ParameterizedTest
    @ValueSource(strings = {"PROXY TCP4 203.0.113.9 203.0.113.25 4711 25", "PROXY UNKNOWN"})
    void t18_fromElsewhereAHeaderIsACommandThatNobodyKnows(String line) {
        SessionHarness session = new SessionHarness(intake);
        assertThat(session.said()).isEqualTo(BANNER);
        assertThat(send(session, v1(line)).said()).startsWith("500 5.5.2");
        assertThat(session.send("EHLO a\r\n").said()).startsWith("250-");
        assertThat(intake.clients()).containsExactly(PEER);
        leave(session);
    }

    @Test
    void t18_fromElsewhereABinaryHeaderIsMalformed() {
        SessionHarness session = send(new SessionHarness(intake), v2(V2_V4));
        assertThat(session.said()).startsWith(BANNER + "500 5.5.2");
        assertThat(intake.clients()).containsExactly(PEER);
        leave(session);
    }

    @Test
    void t18_aSecondHeaderIsACommandThatNobodyKnows() {
        SessionHarness session = send(proxy(), v1("PROXY TCP4 203.0.113.9 203.0.113.25 4711 25"));
        session.said();
        assertThat(send(session, v1("PROXY TCP4 127.0.0.1 127.0.0.1 1 1")).said())
                .startsWith("500 5.5.2");
        assertThat(intake.clients()).containsExactly(V4);
        leave(session);
    }

    // ---- properties ----

    @Property(tries = 300)
    void whatNettyWritesIsRead(
            @ForAll @Size(4) byte[] source,
            @ForAll @IntRange(min = 1, max = 65535) int port,
            @ForAll boolean v1,
            @ForAll long seed)
            throws Exception {
        ScriptedIntake own = new ScriptedIntake();
        InetSocketAddress expected = new InetSocketAddress(java.net.InetAddress.getByAddress(source), port);
        EmbeddedChannel encoder = new EmbeddedChannel(HAProxyMessageEncoder.INSTANCE);
        encoder.writeOutbound(new HAProxyMessage(
                v1 ? HAProxyProtocolVersion.V1 : HAProxyProtocolVersion.V2,
                HAProxyCommand.PROXY,
                HAProxyProxiedProtocol.TCP4,
                expected.getAddress().getHostAddress(),
                "203.0.113.25",
                port,
                25));
        ByteBuf encoded = encoder.readOutbound();
        byte[] octets = new byte[encoded.readableBytes()];
        encoded.readBytes(octets).release();
        encoder.finishAndReleaseAll();
        SessionHarness session = new SessionHarness(
                own, SmtpLimits.defaults(), BareLineEnds.NORMALISE, null, SessionHarness.BEHIND_PROXY);
        sendInPieces(session, octets, seed);
        assertThat(own.clients()).extracting(ClientInfo::remote).containsExactly(expected);
        assertThat(session.said()).isEqualTo(BANNER);
        session.vanish();
        assertThat(session.bufferBytes()).isZero();
    }

    @Property(tries = 1000)
    void noiseIsHeardOrClosedOnAndNeverThrows(
            @ForAll @Size(max = 300) byte[] noise, @ForAll @IntRange(max = 3) int beginning, @ForAll long seed) {
        byte[] begin = switch (beginning) {
            case 0 -> new byte[0];
            case 1 -> "PROXY TCP4 ".getBytes(StandardCharsets.US_ASCII);
            case 2 -> v2("21");
            default -> v2("211100");
        };
        byte[] octets = Arrays.copyOf(begin, begin.length + noise.length);
        System.arraycopy(noise, 0, octets, begin.length, noise.length);
        ScriptedIntake own = new ScriptedIntake();
        SessionHarness session = new SessionHarness(
                own, SmtpLimits.defaults(), BareLineEnds.NORMALISE, null, SessionHarness.BEHIND_PROXY);
        sendInPieces(session, octets, seed);
        session.pass(Duration.ofSeconds(6));
        if (own.clients().isEmpty()) {
            assertThat(session.isClosed()).isTrue();
            assertThat(session.said()).isEmpty();
        }
        session.vanish();
        session.checkException();
        assertThat(own.openSessions()).isZero();
        session.said();
        assertThat(session.bufferBytes()).isZero();
    }

    private static void sendInPieces(SessionHarness session, byte[] octets, long seed) {
        Random random = new Random(seed);
        for (int from = 0; from < octets.length; ) {
            int to = Math.min(octets.length, from + 1 + random.nextInt(20));
            session.send(octets, from, to);
            from = to;
        }
    }
}
