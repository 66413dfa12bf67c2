package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.codec.PeerText;
import org.backupmx.smtp.internal.codec.SmtpCommandDecoder;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.Level;

/** What a client may write into our log and into our replies: nothing but printable ASCII, a line an event. */
class HostileTextTest {

    private static final int STRINGS = 500;

    /** Each character is one octet; the longer ones beyond ASCII are UTF-8: U+202E, U+2028, U+0085. */
    private static final List<String> PIECES = List.of(
            "\r",
            "\n",
            "\0",
            "\t",
            "\b",
            "\u001b[31m",
            "\u001b]0;title\u0007",
            "\u007f",
            "\u009b2J",
            "\u00ff",
            "\u00e2\u0080\u00ae",
            "\u00e2\u0080\u00a8",
            "\u00c2\u0085",
            "${jndi:ldap://127.0.0.1/x}",
            "${env:PATH}",
            "{}",
            "%n%s%d",
            "\\",
            "\\x0a",
            "\"",
            "<>",
            "a",
            "250 2.0.0 OK",
            "[main] ERROR forged - ",
            "x".repeat(300));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HELO ~",
                "EHLO ~",
                "EHLO [~]",
                "MAIL FROM:<~@example.org>",
                "MAIL FROM:<a@~>",
                "MAIL FROM:<a@example.org> SIZE=~",
                "MAIL FROM:<a@example.org> BODY=~",
                "MAIL FROM:<a@example.org> RET=~",
                "MAIL FROM:<a@example.org> AUTH=~",
                "MAIL FROM:<a@example.org> ~",
                "MAIL FROM:<\"~\"@example.org> SMTPUTF8",
                "MAIL FROM:<a@example.org> ENVID=~",
                "MAIL FROM:<reject~@example.org>",
                "RCPT TO:<~@example.net>",
                "RCPT TO:<a@~>",
                "RCPT TO:<a@[~]>",
                "RCPT TO:<reject~@example.net>",
                "RCPT TO:<a@example.net> NOTIFY=~",
                "RCPT TO:<a@example.net> ~",
                "RCPT TO:<a@example.net> ORCPT=rfc822;~",
                "DATA ~",
                "BDAT ~",
                "BDAT 0 ~",
                "RSET ~",
                "NOOP ~",
                "HELP ~",
                "QUIT ~",
                "VRFY ~",
                "EXPN ~",
                "ETRN ~",
                "ETRN @~",
                "AUTH ~",
                "AUTH PLAIN ~",
                "AUTH LOGIN\r\n~",
                "XCLIENT ~",
                "XCLIENT ADDR=203.0.113.9 NAME=~",
                "XCLIENT HELO=~",
                "XCLIENT LOGIN=~ PORT=~",
                "PROXY ~",
                "PROXY TCP4 ~ 1.2.3.4 1 1",
                "STARTTLS ~",
                "~",
                "~ ~"
            })
    void t19_commandIsOneLineOfPrintableAsciiAndIsNotEchoed(String command) throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        String begin = "EHLO a\r\n" + (command.startsWith("RCPT") ? "MAIL FROM:<a@example.org>\r\n" : "");
        // whom XCLIENT told is asked for once more
        String end = command.startsWith("XCLIENT") ? "\r\nEHLO a\r\n" : "\r\n";
        int commandsLogged = 0;
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.DEBUG)) {
            for (int i = 0; i < STRINGS; i++) {
                SessionHarness session = new SessionHarness(
                                new ScriptedIntake(),
                                SmtpLimits.defaults(),
                                BareLineEnds.NORMALISE,
                                null,
                                i % 2 == 0 ? SessionHarness.LISTENER : TRUSTING)
                        .send(begin);
                session.said();
                log.lines();
                String hostile = i < PIECES.size() ? PIECES.get(i) : hostile(random);
                byte[] octets = (command.replace("~", hostile) + end).getBytes(StandardCharsets.ISO_8859_1);
                session.send(octets, 0, octets.length);
                String about = "seed " + seed + ": " + PeerText.of(octets, 0, octets.length);
                String said = session.said();
                assertThat(said).as(about).matches("([2-5]\\d\\d[ -][ -~]{0,506}+\r\n)+");
                List<String> lines = log.lines();
                assertThat(lines)
                        .as(about)
                        .allSatisfy(line -> assertThat(line).matches(LINE_PREFIX + "[ -~]{0,1100} (command|reply)"));
                assertThat(lines.stream().filter(line -> line.endsWith(" reply")))
                        .as(about)
                        .hasSize((int) said.lines()
                                .filter(line -> line.charAt(3) == ' ')
                                .count());
                commandsLogged += (int)
                        lines.stream().filter(line -> line.endsWith(" command")).count();
                session.vanish();
            }
        }
        assertThat(commandsLogged).isGreaterThan(STRINGS / 10);
    }

    private static final SmtpListener TRUSTING =
            SmtpListener.at(SessionHarness.SERVER).xclientNetworks(IpNetwork.of("192.0.2.1"));

    private static final String LINE_PREFIX = "\\[" + Thread.currentThread().getName() + "\\] [A-Z]+ "
            + Pattern.quote(SmtpServerSession.class.getName()) + " - client=/[0-9a-f.:\\[\\]]+:\\d+ ";

    @ParameterizedTest
    @ValueSource(
            strings = {"~", "PROXY ~", "PROXY TCP4 ~ 1.2.3.4 1 1", "PROXY TCP4 1.2.3.4 1.2.3.4 ~ 1", "PROXY UNKNOWN ~"})
    void t19_proxyHeaderIsOneLineOfPrintableAscii(String header) throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int refused = 0;
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.DEBUG)) {
            for (int i = 0; i < STRINGS; i++) {
                SessionHarness session = new SessionHarness(
                        new ScriptedIntake(),
                        SmtpLimits.defaults(),
                        BareLineEnds.NORMALISE,
                        null,
                        SessionHarness.BEHIND_PROXY);
                String hostile = i < PIECES.size() ? PIECES.get(i) : hostile(random);
                byte[] octets = (header.replace("~", hostile) + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
                session.send(octets, 0, octets.length);
                String about = "seed " + seed + ": " + PeerText.of(octets, 0, octets.length);
                assertThat(session.said()).as(about).matches("([2-5]\\d\\d[ -][ -~]{0,506}+\r\n)*");
                List<String> lines = log.lines();
                assertThat(lines)
                        .as(about)
                        .allSatisfy(line -> assertThat(line)
                                .matches(LINE_PREFIX + "[ -~]{0,1100} (command|reply|proxy turned away)"));
                refused += (int) lines.stream()
                        .filter(line -> line.endsWith("proxy turned away"))
                        .count();
                session.vanish();
            }
        }
        assertThat(refused).isGreaterThan(STRINGS / 10);
    }

    /** The JDK quotes such a name in what it throws. */
    @Test
    void t19_serverNameOfAClientHelloIsOneLineOfPrintableAscii() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        X509Bundle bundle = new CertificateBuilder()
                .subject("CN=mx2.example.net")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        SslContext tls =
                SslContextBuilder.forServer(bundle.toKeyManagerFactory()).build();
        int failed = 0;
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.DEBUG)) {
            for (int i = 0; i < STRINGS; i++) {
                SessionHarness session = new SessionHarness(
                                new ScriptedIntake(), SmtpLimits.defaults(), BareLineEnds.NORMALISE, tls)
                        .send("EHLO a\r\nSTARTTLS\r\n");
                session.said();
                log.lines();
                String hostile = i < PIECES.size() ? PIECES.get(i) : hostile(random);
                byte[] octets = clientHello(hostile.getBytes(StandardCharsets.ISO_8859_1));
                session.send(octets, 0, octets.length);
                String about = "seed " + seed + ": " + PeerText.of(octets, 0, octets.length);
                List<String> lines = log.lines();
                assertThat(lines)
                        .as(about)
                        .allSatisfy(line -> assertThat(line)
                                .matches(LINE_PREFIX + "[ -~]{0,1100} (TLS handshake failed|connection failed)"));
                failed += (int) lines.stream()
                        .filter(line -> line.endsWith("TLS handshake failed"))
                        .count();
                session.vanish();
            }
        }
        assertThat(failed).isGreaterThan(STRINGS / 10);
    }

    /** A ClientHello of TLS 1.2 with {@code server_name} (RFC 5246 section 7.4.1.2, RFC 6066 section 3). */
    private static byte[] clientHello(byte[] serverName) {
        ByteBuffer extensions = ByteBuffer.allocate(serverName.length + 27);
        extensions.putShort((short) 0).putShort((short) (serverName.length + 5));
        extensions.putShort((short) (serverName.length + 3)).put((byte) 0);
        extensions.putShort((short) serverName.length).put(serverName);
        extensions.putShort((short) 10).putShort((short) 4).putShort((short) 2).putShort((short) 23);
        extensions.putShort((short) 13).putShort((short) 6).putShort((short) 4).putInt(0x0401_0403);
        int body = 2 + 32 + 1 + 4 + 2 + 2 + extensions.position();
        ByteBuffer hello = ByteBuffer.allocate(body + 9);
        hello.put((byte) 22).putShort((short) 0x0301).putShort((short) (body + 4));
        hello.putInt(1 << 24 | body);
        hello.putShort((short) 0x0303).put(new byte[32]).put((byte) 0);
        hello.putShort((short) 2).putShort((short) 0xc02f);
        hello.put((byte) 1).put((byte) 0);
        hello.putShort((short) extensions.position()).put(extensions.flip());
        return hello.array();
    }

    @Test
    void t19_replyOfTheIntakeIsOneLineOfPrintableAsciiToo() throws Exception {
        SmtpReply reply = SmtpReply.of(554, "5.7.1", "Go \u202eaway\u2028, \u001b[31m\r\n250 \u009b2J${jndi:x}{}");
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.DEBUG)) {
            SessionHarness session =
                    new SessionHarness(client -> CompletableFuture.completedFuture(new Greeting.Refusal(reply)));
            assertThat(session.said()).isEqualTo("554 5.7.1 Go ?away?, ?[31m??250 ?2J${jndi:x}{}\r\n");
            assertThat(log.lines()).singleElement().asString().matches("[ -~]+").endsWith("{jndi:x}{} reply");
        }
    }

    @Test
    void dialogueCostsNothingAtInfo() throws Exception {
        SmtpLimits limits = SmtpLimits.defaults();
        ServerSettings settings = new ServerSettings(
                new ScriptedIntake(), limits, BareLineEnds.NORMALISE, null, new ConnectionLimiter(limits), () -> 0);
        SessionLog log =
                new SessionLog(new SmtpServerSession(settings, SessionHarness.LISTENER, new LoopSessions(() -> 0)));
        SmtpCommandDecoder commands = new SmtpCommandDecoder(limits.commandLineOctets());
        commands.decode(ByteBuffer.wrap("MAIL FROM:<a@example.org>\r\n".getBytes(StandardCharsets.US_ASCII)));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (CapturedLog captured = new CapturedLog(SmtpServerSession.class, Level.INFO)) {
            log.reply(FixedReply.OK.reply()); // loads classes
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                log.command(commands);
                log.reply(FixedReply.OK.reply());
            }
            // less than one byte a line, and not zero: asking costs a little
            assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
            assertThat(captured.lines()).isEmpty();
        }
    }

    private static String hostile(Random random) {
        StringBuilder text = new StringBuilder();
        for (int n = 1 + random.nextInt(4); n > 0; n--) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }
}
