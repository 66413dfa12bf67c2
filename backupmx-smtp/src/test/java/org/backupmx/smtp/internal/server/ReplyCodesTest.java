package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.backupmx.mail.SmtpReply;
import org.junit.jupiter.api.Test;

/** Row A8: every reply that we can give has an enhanced status code of its class (RFC 2034, RFC 3463, RFC 5248). */
class ReplyCodesTest {

    /** A call with a reply code as its first argument, and the argument after it; {@code started} gives 2.0.0 itself. */
    private static final Pattern REPLY =
            Pattern.compile("\\b(?!started\\()(\\w+)\\(\\s*([2-5])([0-9]{2}),\\s*([^\\s,)]+)");

    private static final List<Path> SOURCES = List.of(
            Path.of("src/main/java/org/backupmx/smtp/internal/server"),
            Path.of("src/main/java/org/backupmx/smtp/internal/codec"),
            Path.of("../backupmx-core/src/main/java/org/backupmx"));

    /** The banner, the answers to HELO and EHLO, and 354 have none; so RFC 2034 section 4 wants it. */
    private static final Set<String> WITHOUT = Set.of(
            "Announcement.java: 220", "Announcement.java: 250", "FixedReply.java: 354", "Replies.java: 250 HELO_OK");

    private record Found(String place, String code, String second) {}

    private static List<Found> replies() {
        List<Found> all = new ArrayList<>();
        for (Path source : SOURCES) {
            try (Stream<Path> files = Files.walk(source)) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    String text = Files.readString(file);
                    Matcher matcher = REPLY.matcher(text);
                    while (matcher.find()) {
                        String code = matcher.group(2) + matcher.group(3);
                        String line = text.substring(text.lastIndexOf('\n', matcher.start()) + 1, matcher.start());
                        String name = line.contains(" HELO_OK ") ? " HELO_OK" : "";
                        all.add(new Found(file.getFileName() + ": " + code + name, code, matcher.group(4)));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return all;
    }

    @Test
    void a8_everyReplyInTheSourceHasItsEnhancedStatusCode() {
        List<Found> all = replies();
        assertThat(all).hasSizeGreaterThan(60);
        assertThat(all)
                .filteredOn(reply -> !WITHOUT.contains(reply.place()))
                .allSatisfy(reply -> assertThat(reply.second())
                        .as(reply.place())
                        .matches("ACCEPTED|\"" + reply.code().charAt(0) + "\\.[0-9]{1,3}\\.[0-9]{1,3}\""));
        assertThat(all).extracting(Found::place).containsAll(WITHOUT);
    }

    @Test
    void a8_everyFixedReplySaysItsCodeOnTheWire() throws IllegalAccessException {
        int seen = 0;
        for (var field : FixedReply.class.getDeclaredFields()) {
            if (field.getType() == FixedReply.class) {
                FixedReply fixed = (FixedReply) field.get(null);
                SmtpReply reply = fixed.reply();
                String line = new String(fixed.octets(), StandardCharsets.US_ASCII);
                if (reply.code() != 354) {
                    assertThat(line).matches("([245])[0-9]{2} \\1\\.[0-9]{1,3}\\.[0-9]{1,3} [ -~]+\r\n");
                }
                assertThat(line.length()).isLessThanOrEqualTo(512);
                seen++;
            }
        }
        assertThat(seen).isGreaterThan(35);
    }
}
