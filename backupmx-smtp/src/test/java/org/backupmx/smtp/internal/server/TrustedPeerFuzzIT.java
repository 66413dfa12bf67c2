package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.server.FuzzedSession.Act;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.jspecify.annotations.Nullable;

/**
 * Random and mutated PROXY headers and XCLIENT commands (features row N10), from peers that may name their client, and
 * from others, whose client stays who it is (T18). Texts have one octet a character.
 */
class TrustedPeerFuzzIT {

    private static final ClientInfo PEER = new ClientInfo(SessionHarness.CLIENT, SessionHarness.SERVER);
    private static final SmtpListener XCLIENT =
            SmtpListener.at(SessionHarness.SERVER).xclientNetworks(IpNetwork.of("192.0.2.1"));

    private static long headers;
    private static long dialogues;
    private static long startedNanos;

    @BeforeContainer
    static void start() {
        headers = 0;
        dialogues = 0;
        startedNanos = System.nanoTime();
    }

    @AfterContainer
    static void tell() {
        System.out.printf(
                Locale.ROOT,
                "TrustedPeerFuzzIT: %d headers, %d dialogues in %.0f s%n",
                headers,
                dialogues,
                (System.nanoTime() - startedNanos) / 1e9);
    }

    // ---- PROXY ----

    private static Arbitrary<String> v1() {
        Arbitrary<String> address = Arbitraries.of(
                "203.0.113.9",
                "0.0.0.0",
                "255.255.255.255",
                "256.0.0.1",
                "1.2.3",
                "2001:db8::9",
                "::",
                "::ffff:203.0.113.9",
                "fe80::1%eth0",
                "2001:db8:::9",
                "localhost",
                "[::1]",
                "");
        Arbitrary<String> port = Arbitraries.of("1", "25", "65535", "65536", "0", "-1", "+25", "025", "x", "");
        Arbitrary<String> family = Arbitraries.of("TCP4", "TCP6", "TCP4", "TCP6", "UNKNOWN", "UDP4", "tcp4", "");
        Arbitrary<String> end = Arbitraries.of("\r\n", "\r\n", "\r\n", "\n", "\r", "", " \r\n", " 25\r\n");
        return Combinators.combine(family, address, address, port, port, end)
                .as((f, from, to, fromPort, toPort, e) ->
                        "PROXY " + String.join(" ", f, from, to, fromPort, toPort) + e);
    }

    private static Arbitrary<String> v2() {
        Arbitrary<Integer> length = Arbitraries.frequencyOf(
                Tuple.of(6, Arbitraries.of(0, 11, 12, 13, 35, 36, 40, 216)),
                Tuple.of(1, Arbitraries.of(4079, 4080, 4081, 65535)));
        return Combinators.combine(
                        Arbitraries.of(0x21, 0x21, 0x21, 0x20, 0x22, 0x11, 0x31),
                        Arbitraries.of(0x11, 0x11, 0x21, 0x21, 0x31, 0x00, 0x12, 0x41, 0x1f),
                        length,
                        Arbitraries.integers().between(-2, 2),
                        Arbitraries.randomValue(Random::nextLong))
                .as((command, family, octets, more, seed) -> {
                    byte[] body = new byte[Math.max(0, octets + (more == -2 ? -1 : 0))];
                    new Random(seed).nextBytes(body);
                    return SIGNATURE
                            + (char) (int) command
                            + (char) (int) family
                            + (char) (octets >> 8)
                            + (char) (octets & 0xff)
                            + new String(body, StandardCharsets.ISO_8859_1);
                });
    }

    private static final String SIGNATURE =
            new String(HexFormat.of().parseHex("0d0a0d0a000d0a515549540a"), StandardCharsets.ISO_8859_1);

    @Provide
    Arbitrary<String> headers() {
        Arbitrary<String> header = Arbitraries.frequencyOf(Tuple.of(3, v1()), Tuple.of(3, v2()));
        Arbitrary<String> mutated = Combinators.combine(
                        header,
                        Arbitraries.chars().range('\0', '\u00ff'),
                        Arbitraries.integers().between(0, 40),
                        Arbitraries.integers().between(0, 2))
                .as((text, with, at, cut) -> {
                    int from = Math.min(at, text.length());
                    return text.substring(0, from) + with + text.substring(Math.min(text.length(), from + cut));
                });
        Arbitrary<String> noise = Arbitraries.chars()
                .range('\0', '\u00ff')
                .array(char[].class)
                .ofMaxSize(200)
                .map(String::new);
        return Combinators.combine(
                        Arbitraries.frequencyOf(Tuple.of(5, header), Tuple.of(4, mutated), Tuple.of(1, noise)),
                        Arbitraries.of("", "EHLO a\r\n", "EHLO a\r\nPROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "\0"))
                .as(String::concat);
    }

    @Property
    void n10_t18_whatAProxySays(@ForAll("headers") String octets, @ForAll long seed) {
        headers++;
        ScriptedIntake intake = new ScriptedIntake();
        String said = hear(intake, SessionHarness.BEHIND_PROXY, octets, seed);
        ClientInfo named = named(octets);
        if (intake.clients().isEmpty()) {
            assertThat(named).as("a header without a fault").isNull();
            assertThat(said).isEmpty();
        } else {
            assertThat(intake.clients()).containsExactly(named == null ? lenient(octets) : named);
            assertThat(said).startsWith("220 ").matches("([2-5]\\d\\d[ -][ -~]{0,506}+\r\n)+");
        }
    }

    @Property
    void n10_t18_whatOthersSay(@ForAll("headers") String octets, @ForAll long seed) {
        headers++;
        ScriptedIntake intake = new ScriptedIntake();
        String said = hear(intake, SessionHarness.LISTENER, octets, seed);
        assertThat(intake.clients()).containsExactly(PEER);
        assertThat(said).startsWith("220 ").matches("([2-5]\\d\\d[ -][ -~]{0,506}+\r\n)+");
    }

    /** Sends octets in random pieces and goes away after a while; returns what was said. */
    private static String hear(ScriptedIntake intake, SmtpListener listener, String text, long seed) {
        SmtpLimits limits = SmtpLimits.defaults();
        SessionHarness session = new SessionHarness(intake, limits, BareLineEnds.NORMALISE, null, listener);
        byte[] octets = text.getBytes(StandardCharsets.ISO_8859_1);
        Random random = new Random(seed);
        StringBuilder said = new StringBuilder();
        for (int from = 0; from < octets.length; ) {
            int to = Math.min(octets.length, from + 1 + random.nextInt(random.nextBoolean() ? 8 : 5000));
            session.send(octets, from, to);
            said.append(session.said());
            assertThat(session.bufferBytes()).isLessThanOrEqualTo(limits.sessionBytes());
            from = to;
        }
        session.pass(Duration.ofSeconds(6));
        said.append(session.said());
        boolean hungUp = said.toString().lines().anyMatch(line -> line.matches("[24]21 .*"));
        assertThat(session.isClosed()).isEqualTo(intake.clients().isEmpty() || hungUp);
        session.vanish();
        session.checkException();
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.openSessions()).isZero();
        session.said();
        assertThat(session.bufferBytes()).isZero();
        return said.toString();
    }

    // ---- what the header says, by proxy-protocol.txt sections 2.1 and 2.2 ----

    private static final Pattern V4_LITERAL =
            Pattern.compile("(0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])(\\.(0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])){3}");
    private static final Pattern V1 = Pattern.compile("PROXY (TCP[46]) (\\S+) (\\S+) ([1-9]\\d{0,4}) ([1-9]\\d{0,4})");
    private static final int MAX_V2_OCTETS = 4096;

    /** Whom a whole header without a fault names, else null. */
    private static @Nullable ClientInfo named(String octets) {
        if (octets.startsWith(SIGNATURE)) {
            return namedByBlock(octets.getBytes(StandardCharsets.ISO_8859_1));
        }
        int end = octets.indexOf("\r\n");
        String line = end < 0 || end > 105 ? "" : octets.substring(0, end);
        if (line.equals("PROXY UNKNOWN")) {
            return PEER;
        }
        Matcher parts = V1.matcher(line);
        if (!parts.matches() || Integer.parseInt(parts.group(4)) > 65535 || Integer.parseInt(parts.group(5)) > 65535) {
            return null;
        }
        InetAddress from = literal(parts.group(1), parts.group(2));
        InetAddress to = literal(parts.group(1), parts.group(3));
        return from == null || to == null
                ? null
                : new ClientInfo(
                        new InetSocketAddress(from, Integer.parseInt(parts.group(4))),
                        new InetSocketAddress(to, Integer.parseInt(parts.group(5))));
    }

    private static @Nullable InetAddress literal(String family, String address) {
        boolean wellFormed = family.equals("TCP4")
                ? V4_LITERAL.matcher(address).matches()
                : List.of("2001:db8::9", "::", "::ffff:203.0.113.9").contains(address);
        try {
            return wellFormed ? InetAddress.getByName(address) : null;
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static @Nullable ClientInfo namedByBlock(byte[] octets) {
        if (octets.length < 16) {
            return null;
        }
        int length = (octets[14] & 0xff) << 8 | octets[15] & 0xff;
        int command = octets[12];
        int family = octets[13];
        if (command != 0x20 && command != 0x21 || octets.length < 16 + length || 16 + length > MAX_V2_OCTETS) {
            return null;
        }
        if (command == 0x20 || family == 0) {
            return PEER;
        }
        int size = family == 0x11 ? 4 : 16;
        if (family != 0x11 && family != 0x21 || length < 2 * size + 4) {
            return null;
        }
        ByteBuffer ports = ByteBuffer.wrap(octets, 16 + 2 * size, 4);
        return new ClientInfo(address(octets, 16, size, ports), address(octets, 16 + size, size, ports));
    }

    private static InetSocketAddress address(byte[] octets, int at, int size, ByteBuffer ports) {
        try {
            return new InetSocketAddress(
                    InetAddress.getByAddress(Arrays.copyOfRange(octets, at, at + size)), ports.getShort() & 0xffff);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /** Whom a header names that is taken though it has a fault, or tells of no address. */
    private static ClientInfo lenient(String octets) {
        if (octets.startsWith(SIGNATURE)) {
            int family = octets.charAt(13) >> 4;
            assertThat(family).as("without IP addresses").isIn(0, 3);
            return PEER;
        }
        String[] parts = octets.substring(0, octets.indexOf("\r\n")).split(" ");
        assertThat(parts).startsWith("PROXY");
        if (parts[1].equals("UNKNOWN")) {
            return PEER;
        }
        assertThat(parts).hasSize(6);
        return new ClientInfo(lenient(parts[2], parts[4]), lenient(parts[3], parts[5]));
    }

    /** Of a zone we know nothing. */
    private static InetSocketAddress lenient(String address, String port) {
        byte[] octets = NetUtil.createByteArrayFromIpAddressString(address.replaceFirst("%.*", ""));
        assertThat(octets).as(address).isNotNull();
        return address(octets, 0, octets.length, ByteBuffer.allocate(2).putShort(0, (short) Integer.parseInt(port)));
    }

    // ---- XCLIENT ----

    private static final List<String> LINES = List.of(
            "EHLO client.example.org\r\n",
            "HELO a\r\n",
            "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n",
            "XCLIENT ADDR=203.0.113.9 HELO=x\r\nMAIL FROM:<> SMTPUTF8\r\n",
            "text\r\n.\r\n",
            "RSET\r\n",
            "NOOP\r\n",
            "QUIT\r\n",
            "XCLIENT ADDR=203.0.113.9 PORT=4711 DESTADDR=203.0.113.25 DESTPORT=25\r\n",
            "XCLIENT ADDR=IPV6:2001:db8::9 NAME=client.example.org PROTO=ESMTP\r\n",
            "XCLIENT NAME=[UNAVAILABLE] LOGIN=[TEMPUNAVAIL] ADDR=[unavailable] PORT=[UNAVAILABLE]\r\n",
            "XCLIENT HELO=reject.example.org\r\n",
            "XCLIENT HELO=fault LOGIN=+3Calice+3E PROTO=smtp\r\n",
            "XCLIENT NAME=" + "x".repeat(255) + " LOGIN=" + "+2B".repeat(255) + "\r\n",
            "XCLIENT ADDR=256.1.1.1\r\n",
            "XCLIENT ADDR=IPV6:::ffff:203.0.113.9 PORT=0\r\n",
            "XCLIENT NAME=a+0D+0AMAIL HELO=+1B+5B31m\r\n",
            "XCLIENT  PORT=99999 \tPORT=1\r\n");

    private static final Pattern NAME = Pattern.compile("[0-9A-Za-z._-]{1,255}");
    private static final Pattern LOGIN = Pattern.compile("[!-~]{1,255}");

    @Provide
    Arbitrary<List<Act>> dialogues() {
        return SessionFuzzIT.dialogues(LINES);
    }

    @Property
    void n10_t18_xclientOfOneWhoMay(@ForAll("dialogues") List<Act> acts, @ForAll boolean later) throws Exception {
        dialogues++;
        ScriptedIntake intake = new ScriptedIntake();
        new FuzzedSession(later ? intake.answersLater() : intake, 1_000_000, BareLineEnds.NORMALISE, XCLIENT).run(acts);
        for (ClientInfo client : intake.clients()) {
            assertThat(client.remote().isUnresolved()).isFalse();
            assertThat(client.local().isUnresolved()).isFalse();
            client.name().ifPresent(name -> assertThat(name).matches(NAME));
            client.login().ifPresent(login -> assertThat(login).matches(LOGIN));
        }
        assertThat(intake.calls()).noneMatch(call -> call.matches("(?s)[eh][eh]lo .*[^ -~\ufffd].*"));
    }

    @Property
    void n10_t18_xclientOfOthers(@ForAll("dialogues") List<Act> acts, @ForAll boolean patient) throws Exception {
        dialogues++;
        ScriptedIntake intake = new ScriptedIntake();
        new FuzzedSession(intake, patient ? 1_000_000 : 5, BareLineEnds.REJECT, SessionHarness.LISTENER).run(acts);
        assertThat(intake.clients()).containsExactly(PEER);
    }
}
