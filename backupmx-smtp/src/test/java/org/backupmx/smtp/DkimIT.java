package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.backupmx.BackupMx;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.relay.NextHop;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.ReceivedMessage;
import org.backupmx.spool.testkit.InMemorySpool;
import org.junit.jupiter.api.Test;

/**
 * DKIM signatures survive intake, spool and relay (features row A12). The fixture was signed by dkimpy 1.1.4, once with
 * simple and once with relaxed canonicalization of header and body; this verifies by RFC 6376 section 6.1.
 */
class DkimIT {

    private static final PublicKey KEY = key();

    private static String resource(String name) {
        try (InputStream in = DkimIT.class.getResourceAsStream("/dkim/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static PublicKey key() {
        String record = resource("fixture._domainkey.sender.test.txt");
        byte[] der = Base64.getMimeDecoder().decode(record.substring(record.indexOf("p=") + 2));
        try {
            return KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void a12_dkimStillVerifies() throws Exception {
        String signed = resource("signed.eml");
        byte[] data = ("\r\n" + signed).replace("\r\n.", "\r\n..").substring(2).getBytes(StandardCharsets.ISO_8859_1);
        byte[] chunk = signed.getBytes(StandardCharsets.ISO_8859_1);
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        octets.writeBytes(
                ascii("EHLO a\r\nMAIL FROM:<a@sender.test> BODY=8BITMIME\r\nRCPT TO:<u@ours.test>\r\nDATA\r\n"));
        octets.writeBytes(data);
        octets.writeBytes(
                ascii(".\r\nMAIL FROM:<b@sender.test> BODY=8BITMIME\r\nRCPT TO:<u@ours.test>\r\nBDAT 1000\r\n"));
        octets.write(chunk, 0, 1000);
        octets.writeBytes(ascii("BDAT " + (chunk.length - 1000) + " LAST\r\n"));
        octets.write(chunk, 1000, chunk.length - 1000);
        octets.writeBytes(ascii("QUIT\r\n"));
        SmtpServer server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        try (FakePrimary primary = FakePrimary.start();
                BackupMx mx = BackupMx.builder()
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
                client.getOutputStream().write(octets.toByteArray());
                assertThat(in.lines().filter(line -> line.startsWith("250 2.0.0 Queued")))
                        .hasSize(2);
            }
            for (ReceivedMessage message : primary.awaitMessages(2, Duration.ofSeconds(20))) {
                String relayed = new String(message.data(), StandardCharsets.ISO_8859_1);
                assertThat(relayed).startsWith("Received: from a ").endsWith(signed);
                assertThat(verified(relayed)).containsExactly("relaxed/relaxed", "simple/simple");
            }
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void thisVerifierSeesAChange() throws Exception {
        String signed = resource("signed.eml");
        assertThat(verified(signed)).hasSize(2);
        int body = signed.indexOf("\r\n\r\n") + 4;
        for (int at = body; at < signed.length(); at += 7) {
            String changed = signed.substring(0, at) + (char) (signed.charAt(at) ^ 1) + signed.substring(at + 1);
            assertThat(verified(changed)).as("octet " + at).doesNotContain("simple/simple");
        }
        assertThat(verified(signed.replace("Anna", "Anne"))).isEmpty();
        assertThat(verified(signed.replace("\r\n..two", "\r\n.two"))).isEmpty();
        assertThat(verified(signed.replace(" \t \r\n", "\r\n"))).containsExactly("relaxed/relaxed");
        assertThat(verified(signed.replace("folded  and", "folded and"))).containsExactly("relaxed/relaxed");
    }

    // ---- RFC 6376 ----

    /** Returns the canonicalizations of the signatures that verify, from the top. */
    private static List<String> verified(String message) throws GeneralSecurityException {
        int end = message.indexOf("\r\n\r\n");
        assertThat(end).isPositive();
        List<String> fields = List.of(message.substring(0, end).split("\r\n(?![ \t])"));
        List<String> good = new ArrayList<>();
        for (String field : fields) {
            if (field.startsWith("DKIM-Signature:") && verifies(field, fields, message.substring(end + 4))) {
                good.add(tags(field).get("c"));
            }
        }
        return good;
    }

    private static boolean verifies(String field, List<String> fields, String body) throws GeneralSecurityException {
        Map<String, String> tags = tags(field);
        String[] canon = tags.get("c").split("/", -1);
        byte[] hash =
                MessageDigest.getInstance("SHA-256").digest(body(canon[1], body).getBytes(StandardCharsets.ISO_8859_1));
        if (!Base64.getEncoder().encodeToString(hash).equals(tags.get("bh"))) {
            return false;
        }
        StringBuilder covered = new StringBuilder();
        for (String name : tags.get("h").split(":", -1)) {
            for (int i = fields.size() - 1; i >= 0; i--) {
                if (fields.get(i).toLowerCase(Locale.ROOT).startsWith(name + ":")) {
                    covered.append(header(canon[0], fields.get(i))).append("\r\n");
                    break;
                }
            }
        }
        covered.append(header(canon[0], field.replaceFirst("([;\\s]b=)[^;]*", "$1")));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(KEY);
        signature.update(covered.toString().getBytes(StandardCharsets.ISO_8859_1));
        return signature.verify(Base64.getDecoder().decode(tags.get("b")));
    }

    private static Map<String, String> tags(String field) {
        Map<String, String> tags = new HashMap<>();
        for (String tag :
                field.substring(field.indexOf(':') + 1).replaceAll("\\s", "").split(";", -1)) {
            int equals = tag.indexOf('=');
            tags.put(tag.substring(0, equals), tag.substring(equals + 1));
        }
        return tags;
    }

    private static String header(String canon, String field) {
        if (canon.equals("simple")) {
            return field;
        }
        int colon = field.indexOf(':');
        return field.substring(0, colon).toLowerCase(Locale.ROOT) + ":"
                + field.substring(colon + 1)
                        .replace("\r\n", "")
                        .replaceAll("[ \t]+", " ")
                        .strip();
    }

    private static String body(String canon, String body) {
        String lines =
                canon.equals("simple") ? body : body.replaceAll("[ \t]+", " ").replace(" \r\n", "\r\n");
        return lines.replaceFirst("(\r\n)*$", "") + "\r\n";
    }
}
