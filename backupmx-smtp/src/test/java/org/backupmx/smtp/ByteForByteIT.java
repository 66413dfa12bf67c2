package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.backupmx.BackupMx;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.relay.NextHop;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.ReceivedMessage;
import org.backupmx.smtp.testing.RelayEngine;
import org.backupmx.spool.testkit.InMemorySpool;
import org.junit.jupiter.api.Test;

/** Client, server, spool, relay client, primary: what is below our trace field is what the client sent. */
class ByteForByteIT {

    private static final int MESSAGES = 2_000;
    private static final Pattern NUMBER = Pattern.compile("^X-Number: (\\d+)\r\n");

    private static final String[] PIECES = {
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\r\n.",
        "\r\n..",
        "\r\n.\r\n ",
        "a line of text",
        ".",
        "\0",
        "\t",
        " ",
        "\u00e9\u00ff\u0080",
        "Subject: =?utf-8?q?x?=\r\n",
        "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n",
        "x".repeat(998),
        "y".repeat(5_000),
        "\r\n \r\n",
        "--boundary--\r\n"
    };

    private static String message(Random random, int number) {
        StringBuilder text = new StringBuilder("X-Number: ").append(number).append("\r\n");
        for (int n = random.nextInt(24); n > 0; n--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.append("\r\n").toString();
    }

    private static String sha256(String mailData) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(mailData.getBytes(StandardCharsets.ISO_8859_1)));
    }

    @Test
    void a12_twoThousandMessagesArriveAsTheyWereSent() throws Exception {
        long seed = new Random().nextLong();
        System.out.println("ByteForByteIT seed " + seed);
        Random random = new Random(seed);
        Map<String, String> sent = new HashMap<>();
        try (FakePrimary primary = FakePrimary.start()) {
            SmtpServer server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            try (BackupMx mx = BackupMx.builder()
                    .hostname("mx2.example.net")
                    .relayDomains(RelayDomains.of(List.of(RelayDomain.of("ours.test")
                            .withNextHops(List.of(NextHop.parse("127.0.0.1:" + primary.port()))))))
                    .intakeServer(server)
                    .relayClient(SmtpClient.create())
                    .spool(InMemorySpool.create())
                    .build()) {
                mx.start().toCompletableFuture().get(20, TimeUnit.SECONDS);
                InetSocketAddress address = server.addresses().get(0);
                try (Socket client = new Socket(address.getAddress(), address.getPort());
                        BufferedReader in = new BufferedReader(
                                new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII))) {
                    client.setSoTimeout(20_000);
                    client.getOutputStream().write("HELO a\r\n".getBytes(StandardCharsets.US_ASCII));
                    in.readLine();
                    in.readLine();
                    for (int number = 0; number < MESSAGES; number++) {
                        String mailData = message(random, number);
                        sent.put(String.valueOf(number), sha256(mailData));
                        send(client.getOutputStream(), mailData);
                        for (String code : List.of("250", "250", "354", "250")) {
                            assertThat(in.readLine()).as("message " + number).startsWith(code);
                        }
                    }
                }
                for (ReceivedMessage message : primary.awaitMessages(MESSAGES, Duration.ofSeconds(20))) {
                    String below = RelayEngine.withoutTrace(new String(message.data(), StandardCharsets.ISO_8859_1));
                    Matcher number = NUMBER.matcher(below);
                    assertThat(number.find()).as(below).isTrue();
                    assertThat(sha256(below))
                            .as("seed " + seed + ", message " + number.group(1))
                            .isEqualTo(sent.remove(number.group(1)));
                }
            }
        }
        assertThat(sent).isEmpty();
    }

    private static void send(OutputStream out, String mailData) throws Exception {
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        octets.writeBytes("MAIL FROM:<a@sender.test> BODY=8BITMIME\r\nRCPT TO:<u@ours.test>\r\nDATA\r\n"
                .getBytes(StandardCharsets.US_ASCII));
        String stuffed = ("\r\n" + mailData).replace("\r\n.", "\r\n..").substring(2);
        octets.writeBytes(stuffed.getBytes(StandardCharsets.ISO_8859_1));
        octets.writeBytes(".\r\n".getBytes(StandardCharsets.US_ASCII));
        out.write(octets.toByteArray());
    }
}
