package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.subethamail.smtp.MessageHandler;
import org.subethamail.smtp.server.SMTPServer;

/** Mail of every shape to a server that nobody here wrote: it arrives octet for octet at every recipient. */
class SubethaPeerIT {

    private static final int MESSAGES = 200;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mailOfEveryShapeArrivesUnchanged(boolean chunking) throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        Map<String, byte[]> received = new ConcurrentHashMap<>();
        SMTPServer server = SMTPServer.port(0)
                .bindAddress(InetAddress.getLoopbackAddress())
                .messageHandlerFactory(context -> new Keeper(received))
                .build();
        server.start();
        SmtpClient client = SmtpClient.create().withChunking(chunking);
        client.start().toCompletableFuture().join();
        try {
            NextHopAddress nextHop = new NextHopAddress(
                    new NextHop("127.0.0.1", server.getPortAllocated()), InetAddress.getLoopbackAddress());
            Map<String, byte[]> expected = new HashMap<>();
            List<CompletionStage<RelayResult>> results = new ArrayList<>();
            for (int i = 0; i < MESSAGES; i++) {
                byte[] body = message(random);
                Envelope.Builder builder = Envelope.from(ReversePath.parse("from" + i + "@sender.test"))
                        .bodyType(BodyType.EIGHT_BIT_MIME);
                for (int r = 0; r <= i % 4; r++) {
                    builder.to(Recipient.of(ForwardPath.parse("r" + r + "@example.test")));
                    expected.put("from" + i + "@sender.test>r" + r + "@example.test", ended(body));
                }
                Envelope envelope = builder.build();
                results.add(client.relay(new RelayRequest(
                        nextHop, "mx2.test", envelope, envelope.recipients(), SmtpClientTest.data(body))));
            }
            for (CompletionStage<RelayResult> result : results) {
                assertThat(result.toCompletableFuture().get(60, TimeUnit.SECONDS))
                        .as("seed %d", seed)
                        .isInstanceOfSatisfying(
                                RelayResult.Attempted.class,
                                attempted -> assertThat(attempted.outcomes())
                                        .hasOnlyElementsOfType(RecipientOutcome.Relayed.class));
            }
            assertThat(received.keySet()).as("seed %d", seed).isEqualTo(expected.keySet());
            expected.forEach((key, body) -> assertThat(Arrays.equals(belowItsReceived(received.get(key)), body))
                    .as("seed %d, %s, %d bytes", seed, key, body.length)
                    .isTrue());
        } finally {
            client.stop(Duration.ofSeconds(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);
            server.stop();
        }
    }

    private static final class Keeper implements MessageHandler {
        private final Map<String, byte[]> received;
        private final List<String> recipients = new ArrayList<>();
        private String reversePath = "";

        Keeper(Map<String, byte[]> received) {
            this.received = received;
        }

        @Override
        public void from(String from) {
            reversePath = from;
        }

        @Override
        public void recipient(String recipient) {
            recipients.add(recipient);
        }

        @Override
        public String data(InputStream data) throws IOException {
            byte[] octets = data.readAllBytes();
            recipients.forEach(recipient -> received.put(reversePath + ">" + recipient, octets));
            return null;
        }

        @Override
        public void done() {}
    }

    /** The peer adds one Received field, as it should, if mail comes by DATA. */
    private static byte[] belowItsReceived(byte[] data) {
        String text = new String(data, StandardCharsets.ISO_8859_1);
        return Arrays.copyOfRange(data, text.indexOf("Subject: "), data.length);
    }

    /** Lines of octets with dots in front, some very long, and perhaps no end of the last. */
    private static byte[] message(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("Subject: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        int most = random.nextInt(10) == 0 ? 400_000 : random.nextInt(6_000);
        while (out.size() < most) {
            byte[] line = new byte[random.nextInt(20) == 0 ? 3_000 : random.nextInt(90)];
            for (int i = 0; i < line.length; i++) {
                line[i] = (byte) (random.nextInt(8) == 0 ? 128 + random.nextInt(128) : ' ' + random.nextInt(95));
            }
            out.writeBytes(".".repeat(random.nextInt(3)).getBytes(StandardCharsets.US_ASCII));
            out.writeBytes(line);
            out.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        if (random.nextBoolean()) {
            out.writeBytes(".no end".getBytes(StandardCharsets.US_ASCII));
        }
        return out.toByteArray();
    }

    private static byte[] ended(byte[] body) {
        int length = body.length;
        if (body[length - 1] == '\n') {
            return body;
        }
        byte[] ended = Arrays.copyOf(body, length + 2);
        ended[length] = '\r';
        ended[length + 1] = '\n';
        return ended;
    }
}
