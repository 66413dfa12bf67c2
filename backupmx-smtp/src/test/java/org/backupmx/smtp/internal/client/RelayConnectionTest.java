package org.backupmx.smtp.internal.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.MailData;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelaySettings;
import org.backupmx.smtp.ClientTimeouts;
import org.backupmx.smtp.internal.tls.ClientTls;
import org.backupmx.smtp.internal.transport.SocketTransport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A connection on virtual time: each wait of RFC 5321 section 4.5.3.2 is kept, and every buffer is given back. */
class RelayConnectionTest {

    private static final ClientTls TLS = tls();

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final RelayConnection connection = new RelayConnection(
            new SessionKey(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 25),
                    "primary.test",
                    "mx2.test",
                    RelaySettings.defaults()),
            channel.eventLoop(),
            SocketTransport.nio(),
            ClientTimeouts.rfc5321());
    private final SessionSecurity security = security();
    private final List<DialogueFault> faults = new ArrayList<>();
    private final List<MailTransaction> ended = new ArrayList<>();
    private boolean ready;

    private static ClientTls tls() {
        try {
            return ClientTls.create();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static SessionSecurity security() {
        return new SessionSecurity(TLS, new SecureRandom(), Runnable::run);
    }

    @BeforeEach
    void open() {
        channel.config().setAllocator(allocator);
        channel.freezeTime();
        connection.initialise(channel);
        connection.dialogue().owner(faults::add, () -> {});
        connection.greet(ProbeDepth.EHLO, () -> ready = true, faults::add);
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        run();
        assertThat(allocator.metric().usedDirectMemory()).isZero();
        assertThat(allocator.metric().usedHeapMemory()).isZero();
    }

    private void say(String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
        run();
    }

    private void pass(Duration time) {
        channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
        run();
    }

    private void run() {
        channel.runPendingTasks();
        channel.runScheduledPendingTasks();
    }

    private String sent() {
        StringBuilder out = new StringBuilder();
        for (ByteBuf buf = channel.readOutbound(); buf != null; buf = channel.readOutbound()) {
            out.append(buf.toString(StandardCharsets.US_ASCII));
            buf.release();
        }
        return out.toString();
    }

    private void greet(String... extensions) {
        say("220 x\r\n");
        StringBuilder ehlo = new StringBuilder();
        for (String extension : extensions) {
            ehlo.append("250-").append(extension).append("\r\n");
        }
        say("250-x\r\n" + ehlo + "250 HELP\r\n");
        assertThat(ready).isTrue();
        sent();
    }

    private void transact(int bytes, String... recipients) {
        Envelope.Builder builder = Envelope.from(ReversePath.nullPath());
        for (String recipient : recipients) {
            builder.to(Recipient.of(ForwardPath.parse(recipient)));
        }
        Envelope envelope = builder.build();
        MailData data = new MailData() {
            @Override
            public long sizeBytes() {
                return bytes;
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(new byte[bytes]);
            }
        };
        RelayRequest request = new RelayRequest(
                new NextHopAddress(new NextHop("primary.test", 25), InetAddress.getLoopbackAddress()),
                "mx2.test",
                envelope,
                envelope.recipients(),
                data);
        new MailTransaction(
                        connection,
                        request,
                        envelope.recipients(),
                        false,
                        connection.extensions().chunking(),
                        security,
                        ended::add)
                .begin();
        run();
    }

    private void assertWaits(Duration time, String text) {
        pass(time.minusMillis(1));
        assertThat(faults).isEmpty();
        assertThat(ended).isEmpty();
        pass(Duration.ofMillis(2));
        List<DialogueFault> all = new ArrayList<>(faults);
        ended.forEach(transaction -> all.add(transaction.replies().fault()));
        assertThat(all).singleElement().satisfies(fault -> {
            assertThat(fault.kind()).isEqualTo(DialogueFault.Kind.TIMED_OUT);
            assertThat(fault.reply().toString()).isEqualTo("451 4.4.2 Timed out waiting for the " + text);
        });
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void banner() {
        assertWaits(Duration.ofMinutes(5), "banner");
    }

    @Test
    void halfABannerIsNone() {
        pass(Duration.ofMinutes(4));
        say("220-x\r\n220-y");
        pass(Duration.ofSeconds(59));
        assertThat(faults).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(faults).hasSize(1);
    }

    @Test
    void ehlo() {
        pass(Duration.ofMinutes(4));
        say("220 x\r\n");
        assertWaits(Duration.ofMinutes(5), "reply to EHLO");
    }

    @Test
    void mail() {
        greet();
        transact(10, "a@example.test");
        assertWaits(Duration.ofMinutes(5), "reply to MAIL");
    }

    @Test
    void eachRcpt() {
        greet("PIPELINING");
        transact(10, "a@example.test", "b@example.test");
        say("250 ok\r\n");
        pass(Duration.ofMinutes(4));
        say("250 ok\r\n");
        assertWaits(Duration.ofMinutes(5), "reply to RCPT");
    }

    @Test
    void data() {
        greet("PIPELINING");
        transact(10, "a@example.test");
        say("250 ok\r\n250 ok\r\n");
        assertWaits(Duration.ofMinutes(2), "reply to DATA");
    }

    @Test
    void endOfData() {
        greet("PIPELINING");
        transact(10, "a@example.test");
        say("250 ok\r\n250 ok\r\n354 go\r\n");
        assertThat(sent()).endsWith("\r\n.\r\n");
        assertWaits(Duration.ofMinutes(10), "reply to the end of mail data");
        assertThat(ended.get(0).replies().outcome(0))
                .isInstanceOf(RecipientOutcome.Unknown.class)
                .extracting(outcome -> outcome.reply().toString())
                .isEqualTo("451 4.4.2 Timed out waiting for the reply to the end of mail data"
                        + " after the end of mail data; outcome unknown");
    }

    @Test
    void x14_aWholeMessageThatLeftBeforeAnyReplyMayHaveArrived() {
        greet("PIPELINING", "CHUNKING");
        transact(10, "a@example.test");
        assertThat(sent()).contains("RCPT TO:<a@example.test>\r\nBDAT 12 LAST\r\n");
        channel.close();
        run();
        assertThat(ended.get(0).replies().outcome(0)).isInstanceOf(RecipientOutcome.Unknown.class);
    }

    @Test
    void x14_whoIsSentAwayBeforeItsTurnHasNotArrived() {
        greet("PIPELINING", "CHUNKING");
        transact(10, "a@example.test");
        say("250 ok\r\n421 4.3.2 Closing\r\n");
        assertThat(ended.get(0).replies().outcome(0)).isInstanceOf(RecipientOutcome.TransientFailure.class);
    }

    @Test
    void afterARestMailDataWaitsForTheReplies() {
        greet("PIPELINING", "CHUNKING");
        connection.countMessage();
        connection.countMessage();
        connection.park(Duration.ofSeconds(30), () -> {});
        pass(Duration.ofMillis(1001));
        transact(10, "a@example.test");
        assertThat(sent()).endsWith("RCPT TO:<a@example.test>\r\n");
        say("250 ok\r\n250 ok\r\n");
        assertThat(sent()).startsWith("BDAT 12 LAST\r\n");
        say("250 ok\r\n");
        assertThat(ended.get(0).replies().isRelayed()).isTrue();
    }

    @Test
    void theAttemptAsAWhole() {
        greet("PIPELINING");
        connection.dialogue().bound(Duration.ofHours(2));
        String[] recipients = new String[100];
        Arrays.setAll(recipients, i -> "r" + i + "@example.test");
        transact(10, recipients);
        say("250 ok\r\n");
        for (int i = 0; i < 29; i++) {
            pass(Duration.ofMinutes(4));
            say("250 ok\r\n");
        }
        pass(Duration.ofSeconds(239));
        assertThat(ended).isEmpty();
        pass(Duration.ofSeconds(2));
        assertThat(ended)
                .singleElement()
                .satisfies(transaction -> assertThat(
                                transaction.replies().fault().reply().toString())
                        .isEqualTo("451 4.4.2 Timed out as a whole, waiting for the reply to RCPT"));
    }

    @Test
    void anUnusedConnection() {
        greet();
        boolean[] tooLong = {false};
        connection.park(Duration.ofSeconds(30), () -> tooLong[0] = true);
        pass(Duration.ofMillis(29_999));
        assertThat(tooLong[0]).isFalse();
        pass(Duration.ofMillis(2));
        assertThat(tooLong[0]).isTrue();
        connection.quit();
        assertThat(sent()).isEqualTo("QUIT\r\n");
        pass(Duration.ofSeconds(6));
        assertThat(channel.isOpen()).isFalse();
        assertThat(faults).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "250 ok\r\n",
                "550 no\r\n503 no\r\n503 no\r\n",
                "250 ok\r\n550 no\r\n354 go\r\n",
                "250 ok\r\n550 no\r\n554 no\r\n",
                "250 ok\r\n250 ok\r\n451 later\r\n",
                "250 ok\r\n250 ok\r\n354 go\r\n",
                "250 ok\r\n250 ok\r\n354 go\r\n552 enough\r\n",
                "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n",
                "250 ok\r\n250 ok\r\n354 go\r\nwhat?\r\n",
                "250 ok\r\n250 ok\r\n502 what?\r\n",
                "250 ok\r\n250 ok\r\n250 ok\r\n452 full\r\n503 no\r\n",
                "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"
            })
    void everyEndGivesBuffersBackAndIsToldOnce(String replies) {
        for (String extensions : new String[] {"PIPELINING", "PIPELINING CHUNKING", "CHUNKING"}) {
            for (int bytes : new int[] {0, 10, 65_535, 65_536, 300_000}) {
                RelayConnectionTest other = new RelayConnectionTest();
                other.open();
                other.greet(extensions.split(" ", -1));
                other.transact(bytes, "a@example.test");
                other.say(replies);
                other.channel.close();
                other.run();
                assertThat(other.ended).as("%s, %d bytes", extensions, bytes).hasSize(1);
                other.close();
            }
        }
    }
}
