package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SmtpReplyDecoderTest {

    private static List<SmtpReply> decode(String... pieces) {
        EmbeddedChannel channel = new EmbeddedChannel(new SmtpReplyDecoder());
        try {
            for (String piece : pieces) {
                channel.writeInbound(Unpooled.copiedBuffer(piece, StandardCharsets.UTF_8));
            }
            List<SmtpReply> replies = new ArrayList<>();
            for (SmtpReply reply = channel.readInbound(); reply != null; reply = channel.readInbound()) {
                replies.add(reply);
            }
            return replies;
        } finally {
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void readsWhatServersSay() {
        assertThat(decode("250\r\n")).containsExactly(SmtpReply.of(250, List.of("")));
        assertThat(decode("250 \r\n")).containsExactly(SmtpReply.of(250, List.of("")));
        assertThat(decode("250 Ok\n")).containsExactly(SmtpReply.of(250, List.of("Ok")));
        assertThat(decode("250-a\r\n250-\r\n250 c\r\n")).containsExactly(SmtpReply.of(250, List.of("a", "", "c")));
        assertThat(decode("550 5.1.1 No\r\n")).containsExactly(SmtpReply.of(550, "5.1.1", "No"));
        assertThat(decode("550 5.1.1\r\n")).containsExactly(SmtpReply.of(550, "5.1.1", ""));
        assertThat(decode("550-5.1.1 No\r\n550-Because\r\n550 5.1.1 so\r\n"))
                .containsExactly(SmtpReply.of(
                        550, Optional.of(EnhancedStatusCode.parse("5.1.1")), List.of("No", "Because", "so")));
        assertThat(decode("250 4.2.1 of another class is text\r\n"))
                .containsExactly(SmtpReply.of(250, List.of("4.2.1 of another class is text")));
        assertThat(decode("550 5.1 no code\r\n")).containsExactly(SmtpReply.of(550, List.of("5.1 no code")));
        assertThat(decode("550 Größe\r\n")).containsExactly(SmtpReply.of(550, List.of("Größe")));
        assertThat(decode("250 a\r\n250 b\r\n354 c\r\n")).hasSize(3);
        assertThat(decode("250 bell\u0007\rx\r\n")).containsExactly(SmtpReply.of(250, List.of("bell??x")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n",
                "ok\r\n",
                "25\r\n",
                "250x\r\n",
                "2500 x\r\n",
                "199 x\r\n",
                "600 x\r\n",
                "000 x\r\n",
                "250-a\r\n550 b\r\n",
                "250-a\r\nb\r\n",
                "SSH-2.0-OpenSSH_9.9\r\n",
                "\u0016\u0003\u0001\n"
            })
    void refusesWhatIsNoReplyAndDecodesNothingAfterIt(String text) {
        EmbeddedChannel channel = new EmbeddedChannel(new SmtpReplyDecoder());
        assertThatThrownBy(() ->
                        channel.writeInbound(Unpooled.copiedBuffer(text + "250 fine\r\n", StandardCharsets.UTF_8)))
                .isInstanceOf(MalformedReplyException.class);
        channel.writeInbound(Unpooled.copiedBuffer("250 fine\r\n", StandardCharsets.UTF_8));
        assertThat(channel.<Object>readInbound()).isNull();
        channel.finishAndReleaseAll();
    }

    @Test
    void boundsAReply() {
        String line = "250-" + "x".repeat(3000) + "\r\n";
        assertThat(decode(line + "250 y\r\n").get(0).lines().get(0)).hasSize(SmtpReplyDecoder.MAX_LINE_OCTETS - 4);
        assertThat(decode("250-x\r\n".repeat(127) + "250 x\r\n")).hasSize(1);
        assertThatThrownBy(() -> decode("250-x\r\n".repeat(128) + "250 x\r\n"))
                .hasMessage("a reply of more than 128 lines");
        assertThatThrownBy(() -> decode(line.repeat(22))).hasMessage("reply longer than 65536 octets");
        assertThatThrownBy(() -> decode("250 " + "x".repeat(65_533))).hasMessage("reply longer than 65536 octets");
        assertThat(decode("250 a\r\n".repeat(20_000))).hasSize(20_000);
    }

    @Property(tries = 300)
    void everyFragmentationIsTheSame(@ForAll("dialogues") List<List<String>> replies, @ForAll Random random) {
        String text = replies.stream().map(SmtpReplyDecoderTest::wire).collect(Collectors.joining());
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        List<SmtpReply> whole = decode(text);
        assertThat(whole).hasSameSizeAs(replies);

        EmbeddedChannel channel = new EmbeddedChannel(new SmtpReplyDecoder());
        List<SmtpReply> pieces = new ArrayList<>();
        for (int i = 0; i < octets.length; ) {
            int length = Math.min(octets.length - i, 1 + random.nextInt(random.nextBoolean() ? 3 : 40));
            ByteBuf piece = Unpooled.copiedBuffer(octets, i, length);
            channel.writeInbound(piece);
            i += length;
            for (SmtpReply reply = channel.readInbound(); reply != null; reply = channel.readInbound()) {
                pieces.add(reply);
            }
        }
        channel.finishAndReleaseAll();
        assertThat(pieces).isEqualTo(whole);
    }

    @Property
    void garbageIsDecodedOrRefused(@ForAll byte[] garbage) {
        EmbeddedChannel channel = new EmbeddedChannel(new SmtpReplyDecoder());
        try {
            channel.writeInbound(Unpooled.copiedBuffer(garbage));
        } catch (MalformedReplyException e) {
            assertThat(e.reason()).isNotEmpty();
        }
        channel.finishAndReleaseAll();
    }

    private static String wire(List<String> reply) {
        StringBuilder out = new StringBuilder();
        String code = reply.get(0);
        for (int i = 1; i < reply.size(); i++) {
            out.append(code)
                    .append(i + 1 < reply.size() ? '-' : ' ')
                    .append(reply.get(i))
                    .append(reply.get(i).length() % 5 == 0 ? "\n" : "\r\n");
        }
        return out.toString();
    }

    @Provide
    Arbitrary<List<List<String>>> dialogues() {
        Arbitrary<String> codes = Arbitraries.of("220", "250", "354", "421", "450", "550", "599");
        Arbitrary<String> texts = Arbitraries.frequencyOf(
                net.jqwik.api.Tuple.of(
                        3, Arbitraries.strings().withChars("abc 4.25ü€-").ofMaxLength(30)),
                net.jqwik.api.Tuple.of(1, Arbitraries.of("2.0.0 Ok", "5.1.1 No", "4.2.1", "5.7.1 ")));
        return Combinators.combine(codes, texts.list().ofMinSize(1).ofMaxSize(5))
                .as((code, lines) -> {
                    List<String> reply = new ArrayList<>();
                    reply.add(code);
                    reply.addAll(lines);
                    return reply;
                })
                .list()
                .ofMinSize(1)
                .ofMaxSize(6);
    }
}
