package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.mail.Xtext;
import org.backupmx.smtp.internal.codec.XclientCommand.Attribute;

/** Random and mutated octets for each parser of the codec (features row N10); texts have one octet a character. */
class CodecFuzzIT {

    private static final Pattern LINE_END = Pattern.compile("\r\n|\r|\n");
    private static final int LINE_OCTETS = 512;

    private static long executions;
    private static long startedNanos;

    @BeforeContainer
    static void start() {
        executions = 0;
        startedNanos = System.nanoTime();
    }

    @AfterContainer
    static void tell() {
        double seconds = (System.nanoTime() - startedNanos) / 1e9;
        System.out.printf(
                Locale.ROOT, "CodecFuzzIT: %d inputs in %.0f s, %.0f/s%n", executions, seconds, executions / seconds);
    }

    private static Arbitrary<String> of(int most, String... pieces) {
        Arbitrary<String> any = Arbitraries.chars().range('\0', '\u00ff').map(String::valueOf);
        return Arbitraries.frequencyOf(Tuple.of(20, Arbitraries.of(pieces)), Tuple.of(1, any))
                .list()
                .ofMaxSize(most)
                .map(list -> String.join("", list));
    }

    @Provide
    Arbitrary<String> paths() {
        return of(
                24,
                "FROM:",
                "TO:",
                "<",
                ">",
                "<",
                ">",
                "@",
                "@",
                ":",
                ",",
                "\"",
                "\\",
                "[",
                "]",
                "IPv6:",
                "::1",
                "1.2.3.4",
                "a",
                "b.c",
                "example.test",
                ".",
                "-",
                " ",
                "\t",
                "SIZE=",
                "BODY=",
                "8BITMIME",
                "SMTPUTF8",
                "REQUIRETLS",
                "RET=",
                "ENVID=",
                "NOTIFY=",
                "NEVER",
                "FAILURE",
                "ORCPT=",
                "rfc822;",
                "utf-8;",
                "+2B",
                "\\x{41}",
                "=",
                "9",
                "postmaster",
                "\u00c3\u00bc",
                "\u00e2\u0080\u00ae",
                "\u00e3\u0080\u0082",
                "\u00ff",
                "xn--",
                "x".repeat(63),
                "%",
                "!");
    }

    @Property
    void n10_pathParser(@ForAll("paths") String argument, @ForAll boolean smtpUtf8, @ForAll boolean whole) {
        executions += 2;
        String text = whole ? argument : "TO:<" + argument;
        byte[] line = text.getBytes(StandardCharsets.ISO_8859_1);
        if (PathParser.rcpt(line, 0, line.length, smtpUtf8) instanceof RcptCommand rcpt && rcpt.path() != null) {
            String path = rcpt.path().toString();
            assertThat(ForwardPath.parse(path)).isEqualTo(rcpt.path());
            assertThat(path).doesNotContainPattern("\\p{Cntrl}");
            assertThat(smtpUtf8 || path.chars().allMatch(c -> c < 0x80)).isTrue();
        }
        byte[] from = text.replace("TO:", "FROM:").getBytes(StandardCharsets.ISO_8859_1);
        if (PathParser.mail(from, 0, from.length) instanceof MailCommand mail) {
            assertThat(ReversePath.parse(mail.path().toString())).isEqualTo(mail.path());
            assertThat(mail.path().toString()).doesNotContainPattern("\\p{Cntrl}");
            assertThat(mail.sizeBytes()).isGreaterThanOrEqualTo(-1);
        }
    }

    @Provide
    Arbitrary<String> commands() {
        return of(
                30,
                "\r\n",
                "\r\n",
                "\n",
                "\r",
                "NOOP",
                "EHLO a",
                "MAIL FROM:<a@b>",
                " ",
                "\t",
                "\0",
                "\u007f",
                "\u00ff",
                "x".repeat(200),
                "y".repeat(LINE_OCTETS - 3),
                "starttls",
                "DATA",
                "QUIT x");
    }

    @Property
    void n10_commandDecoder(@ForAll("commands") String octets, @ForAll long seed) {
        executions++;
        List<String> lines = new ArrayList<>();
        boolean afterBareLf = false;
        for (int from = 0, end; (end = octets.indexOf('\n', from) + 1) > 0; from = end) {
            String line = octets.substring(from, end);
            if (line.length() > LINE_OCTETS) {
                lines.add("TOO_LONG");
            } else if (afterBareLf || !line.matches("[\\t -~\u0080-\u00ff]*+\r\n")) {
                lines.add("MALFORMED");
            } else {
                lines.add("COMMAND " + line.replaceAll("[ \\t]*\r\n", ""));
            }
            afterBareLf = !line.endsWith("\r\n");
        }
        SmtpCommandDecoder decoder = new SmtpCommandDecoder(LINE_OCTETS);
        List<String> read = new ArrayList<>();
        for (ByteBuffer in : fragments(octets, seed)) {
            for (SmtpCommandDecoder.Line line = decoder.decode(in);
                    line != SmtpCommandDecoder.Line.INCOMPLETE;
                    line = decoder.decode(in)) {
                String text = new String(decoder.line(), 0, decoder.argumentEnd(), StandardCharsets.ISO_8859_1);
                read.add(line == SmtpCommandDecoder.Line.COMMAND ? line + " " + text : line.toString());
            }
            assertThat(in.hasRemaining()).isFalse();
            assertThat(decoder.line().length).isLessThanOrEqualTo(LINE_OCTETS);
        }
        assertThat(read).isEqualTo(lines);
    }

    @Provide
    Arbitrary<String> mailData() {
        return of(40, "\r", "\n", ".", "\r\n", "\r\n.", "\r\n.\r\n", "a", "\0", "\u00ff", "..", "x".repeat(30));
    }

    @Property
    void n10_mailDataComesBackAsItWentOut(@ForAll("mailData") String octets, @ForAll long seed) {
        executions++;
        MailDataEncoder encoder = MailDataEncoder.forData();
        ByteBuf out = Unpooled.buffer();
        for (ByteBuffer piece : fragments(octets, seed)) {
            encoder.encode(piece.array(), piece.arrayOffset() + piece.position(), piece.remaining(), out);
        }
        encoder.finish(out);
        String encoded = out.toString(StandardCharsets.ISO_8859_1);
        assertThat(encoded).doesNotContainPattern("\r(?!\n)|(?<!\r)\n");
        assertThat("\r\n" + encoded).doesNotContain("\r\n.\r\n");
        String repaired = LINE_END.matcher(octets).replaceAll("\r\n");
        String whole = repaired.isEmpty() || repaired.endsWith("\r\n") ? repaired : repaired + "\r\n";
        assertThat(decode(encoded + ".\r\n", seed + 1)).isEqualTo(whole);
    }

    /** Octets of any kind: the end is where it is, and nothing beyond it is touched. */
    @Property
    void n10_mailDataDecoder(@ForAll("mailData") String octets, @ForAll long seed) {
        executions++;
        int end = ("\r\n" + octets + "\r\n.\r\n").indexOf("\r\n.\r\n") + 3;
        String decoded = decode(octets + "\r\n.\r\n", seed);
        assertThat(decoded).doesNotContainPattern("\r(?!\n)|(?<!\r)\n");
        assertThat(decoded.length()).isLessThanOrEqualTo(2 * end);
    }

    private static String decode(String octets, long seed) {
        MailDataDecoder decoder = new MailDataDecoder();
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        int used = 0;
        for (ByteBuffer in : fragments(octets, seed)) {
            int before = in.position();
            for (ByteBuffer run = decoder.next(in); run != null; run = decoder.next(in)) {
                byte[] copy = new byte[run.remaining()];
                run.get(copy);
                assertThat(copy).isNotEmpty();
                read.writeBytes(copy);
            }
            used += in.position() - before;
            if (decoder.isEnded()) {
                break;
            }
        }
        assertThat(decoder.isEnded()).isTrue();
        assertThat(used).isEqualTo(("\r\n" + octets).indexOf("\r\n.\r\n") + 3);
        return read.toString(StandardCharsets.ISO_8859_1);
    }

    @Provide
    Arbitrary<String> xclients() {
        return of(
                20,
                "NAME=",
                "ADDR=",
                "PORT=",
                "PROTO=",
                "HELO=",
                "login=",
                "DESTADDR=",
                "DESTPORT=",
                " ",
                " ",
                " ",
                "\t",
                "IPv6:",
                "2001:db8::9",
                "203.0.113.",
                "9",
                "256",
                "esmtp",
                "[UNAVAILABLE]",
                "[TEMPUNAVAIL]",
                "+2B",
                "+0A",
                "+1b",
                "+",
                "=",
                "a",
                "x".repeat(254),
                "\u00ff");
    }

    @Property
    void n10_xclientCommand(@ForAll("xclients") String argument) {
        executions++;
        byte[] line = argument.getBytes(StandardCharsets.ISO_8859_1);
        XclientCommand xclient = XclientCommand.parse(line, 0, line.length);
        if (xclient == null) {
            return;
        }
        assertThat(xclient.values()).isNotEmpty();
        StringBuilder again = new StringBuilder();
        xclient.values().forEach((attribute, value) -> {
            value.ifPresent(known -> assertThat(known).matches("[!-~]{1,255}"));
            if (attribute == Attribute.ADDR || attribute == Attribute.DESTADDR) {
                value.ifPresent(
                        known -> assertThat(XclientCommand.address(known)).isNotNull());
            }
            again.append(' ')
                    .append(attribute)
                    .append('=')
                    .append(value.map(Xtext::encode).orElse("[UNAVAILABLE]"));
        });
        byte[] written = again.substring(1).getBytes(StandardCharsets.US_ASCII);
        XclientCommand read = XclientCommand.parse(written, 0, written.length);
        assertThat(read).isNotNull();
        assertThat(read.values()).isEqualTo(xclient.values());
    }

    @Provide
    Arbitrary<String> replies() {
        return of(
                30,
                "250",
                "250 ",
                "250-",
                "354 go",
                "421",
                "550-5.1.1 ",
                "5.1.1",
                "999 ",
                "199 ",
                "\r\n",
                "\r\n",
                "\n",
                "\r",
                " ",
                "\t",
                "\0",
                "\u001b[31m",
                "\u00ff",
                "\u00c3\u00bc",
                "text",
                "x".repeat(3000),
                "2",
                "-");
    }

    @Property
    void n10_replyDecoder(@ForAll("replies") String octets, @ForAll long seed) {
        executions++;
        EmbeddedChannel channel = new EmbeddedChannel(new SmtpReplyDecoder());
        int lines = (int) octets.chars().filter(c -> c == '\n').count();
        try {
            for (ByteBuffer in : fragments(octets, seed)) {
                channel.writeInbound(Unpooled.copiedBuffer(in));
            }
        } catch (MalformedReplyException e) {
            // says what is wrong, and no other fault comes
        }
        int replies = 0;
        for (SmtpReply reply = channel.readInbound(); reply != null; reply = channel.readInbound()) {
            replies++;
            assertThat(reply.code()).isBetween(200, 599);
            assertThat(reply.lines()).isNotEmpty().hasSizeLessThanOrEqualTo(SmtpReply.MAX_LINES);
            assertThat(reply.lines()).noneMatch(line -> line.indexOf('\n') >= 0 || line.length() > 2048);
        }
        assertThat(replies).isLessThanOrEqualTo(lines);
        try {
            channel.finishAndReleaseAll();
        } catch (MalformedReplyException e) {
            // says what is wrong, and no other fault comes
        }
    }

    /** Cuts octets at random places; pieces may be empty. */
    private static List<ByteBuffer> fragments(String octets, long seed) {
        Random random = new Random(seed);
        byte[] all = octets.getBytes(StandardCharsets.ISO_8859_1);
        List<ByteBuffer> pieces = new ArrayList<>();
        int from = 0;
        while (from < all.length) {
            int to = Math.min(all.length, from + random.nextInt(random.nextBoolean() ? 3 : 40));
            pieces.add(ByteBuffer.wrap(all, from, to - from).slice());
            from = to;
        }
        return pieces;
    }
}
