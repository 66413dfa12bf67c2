package org.backupmx.internal.dsn;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The grammar of RFC 3464, RFC 6522 and RFC 6533 as a checker reads it who knows nothing of the composer: every octet of a DSN is
 * looked at, and what is not asked for or in another order is refused.
 */
final class Rfc3464 {

    private static final String DATE = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\\d{1,2} "
            + "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} \\d\\d:\\d\\d:\\d\\d [+-]\\d{4}";
    private static final String ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    private static final String DOMAIN =
            "(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9-]+)*|\\[[^\\[\\]]+\\])";
    private static final String ADDRESS = "(?:" + ATOM + "(?:\\." + ATOM + ")*|\"(?:[^\"\\\\]|\\\\.)*\")@" + DOMAIN;
    private static final String TYPED = "[A-Za-z0-9._+-]+;.*"; // *text, which may be nothing

    /** Section 2.2, in its order. */
    private static final List<String> OF_MESSAGE =
            List.of("original-envelope-id", "reporting-mta", "dsn-gateway", "received-from-mta", "arrival-date");

    /** Section 2.3, in its order. */
    private static final List<String> OF_RECIPIENT = List.of(
            "original-recipient",
            "final-recipient",
            "action",
            "status",
            "remote-mta",
            "diagnostic-code",
            "last-attempt-date",
            "final-log-id",
            "will-retry-until");

    private static final Map<String, Pattern> VALUES = Map.of(
            "reporting-mta", Pattern.compile("dns; ?" + DOMAIN),
            "arrival-date", Pattern.compile(DATE),
            "last-attempt-date", Pattern.compile(DATE),
            "will-retry-until", Pattern.compile(DATE),
            "original-recipient", Pattern.compile(TYPED, Pattern.DOTALL),
            "action", Pattern.compile("failed|delayed|delivered|relayed|expanded"),
            "status", Pattern.compile("[245]\\.\\d{1,3}\\.\\d{1,3}"),
            "remote-mta", Pattern.compile("dns; ?.+", Pattern.DOTALL),
            "diagnostic-code", Pattern.compile("smtp; ?[2-5]\\d\\d(?: .*)?", Pattern.DOTALL),
            "original-envelope-id", Pattern.compile(".*", Pattern.DOTALL));

    /** One header section: names in lower case, values unfolded. */
    private record Section(List<Map.Entry<String, String>> fields) {
        List<String> names() {
            return fields.stream().map(Map.Entry::getKey).toList();
        }

        String one(String name) {
            List<String> found = fields.stream()
                    .filter(field -> field.getKey().equals(name))
                    .map(Map.Entry::getValue)
                    .toList();
            assertThat(found).as(name + " once").hasSize(1);
            return found.get(0);
        }

        Optional<String> perhaps(String name) {
            return names().contains(name) ? Optional.of(one(name)) : Optional.empty();
        }
    }

    private Rfc3464() {}

    /** Checks a DSN, and returns how many recipients it tells of. */
    static int check(byte[] dsn) {
        // octet for octet: what is returned of the original may be in any character set
        String text = new String(dsn, StandardCharsets.ISO_8859_1);
        assertThat(text).endsWith("\r\n").doesNotContain("\0");
        assertThat(text.replace("\r\n", "")).as("lines end in CRLF").doesNotContain("\r", "\n");
        assertThat(text.split("\r\n", -1))
                .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(998));
        int end = text.indexOf("\r\n\r\n");
        Section top = section(text.substring(0, end + 2));
        for (String name : List.of("from", "to", "subject", "message-id", "auto-submitted")) {
            assertThat(top.one(name)).isNotBlank();
        }
        assertThat(top.one("date")).matches(DATE);
        assertThat(top.one("mime-version")).isEqualTo("1.0");
        assertThat(top.one("auto-submitted")).isEqualTo("auto-replied");
        assertThat(top.one("message-id")).matches("<[^<>@\\s]+@" + DOMAIN + ">");
        top.perhaps("in-reply-to").ifPresent(id -> assertThat(id).matches("<[^<>\\s]+>"));
        Matcher type = Pattern.compile("multipart/report; report-type=delivery-status; boundary=\"([^\"]{1,70})\"")
                .matcher(top.one("content-type"));
        assertThat(type.matches()).as(top.one("content-type")).isTrue();
        boolean isEightBit = text.chars().anyMatch(c -> c > 0x7f);
        assertThat(top.one("content-transfer-encoding")).isIn(isEightBit ? List.of("8bit") : List.of("7bit", "8bit"));
        List<String> parts = parts(text.substring(end + 4), type.group(1));
        assertThat(parts).hasSize(3);
        return parts(parts);
    }

    private static List<String> parts(String body, String boundary) {
        String[] pieces = body.split("(?:^|\r\n)--" + Pattern.quote(boundary), -1);
        assertThat(pieces[pieces.length - 1]).as("closing delimiter").isEqualTo("--\r\n");
        List<String> parts = new ArrayList<>();
        for (String piece : Arrays.asList(pieces).subList(1, pieces.length - 1)) {
            assertThat(piece).startsWith("\r\n");
            parts.add(piece.substring(2));
        }
        return parts;
    }

    private static int parts(List<String> parts) {
        List<Section> heads = parts.stream()
                .map(part -> section(part.substring(0, part.indexOf("\r\n\r\n") + 2)))
                .toList();
        List<String> contents = parts.stream()
                .map(part -> part.substring(part.indexOf("\r\n\r\n") + 4))
                .toList();
        boolean isUtf8 = heads.get(1).one("content-type").equals("message/global-delivery-status");
        assertThat(heads.get(0).one("content-type"))
                .isEqualTo("text/plain; charset=" + (isUtf8 ? "utf-8" : "us-ascii"));
        assertThat(heads.get(1).one("content-type")).isIn("message/global-delivery-status", "message/delivery-status");
        assertThat(heads.get(2).one("content-type"))
                .isIn(
                        isUtf8
                                ? List.of("message/global", "message/global-headers")
                                : List.of("message/rfc822", "text/rfc822-headers"));
        for (int i = 0; i < 3; i++) {
            boolean isEightBit = contents.get(i).chars().anyMatch(c -> c > 0x7f);
            assertThat(heads.get(i).one("content-transfer-encoding")).isEqualTo(isEightBit ? "8bit" : "7bit");
            assertThat(isEightBit && !isUtf8 && i < 2)
                    .as("plain parts are ASCII")
                    .isFalse();
        }
        return status(contents.get(1), isUtf8);
    }

    private static int status(String content, boolean isUtf8) {
        List<Section> groups = Arrays.stream(content.split("\r\n\r\n", -1))
                .map(group -> section(group.endsWith("\r\n") ? group : group + "\r\n"))
                .toList();
        fields(groups.get(0), OF_MESSAGE, List.of("reporting-mta"), isUtf8);
        assertThat(groups).as("a recipient").hasSizeGreaterThan(1);
        for (Section group : groups.subList(1, groups.size())) {
            fields(group, OF_RECIPIENT, List.of("final-recipient", "action", "status"), isUtf8);
            String action = group.one("action");
            String status = group.one("status");
            boolean fits = switch (action) {
                case "failed" -> status.startsWith("5.") || status.equals("4.4.7");
                case "delayed" -> status.startsWith("4.");
                default -> status.startsWith("2.");
            };
            assertThat(fits).as(action + " with " + status).isTrue();
            assertThat(group.names().contains("will-retry-until") && !action.equals("delayed"))
                    .as("will-retry-until of " + action)
                    .isFalse();
        }
        return groups.size() - 1;
    }

    private static void fields(Section group, List<String> order, List<String> required, boolean isUtf8) {
        int last = -1;
        for (Map.Entry<String, String> field : group.fields()) {
            int place = order.indexOf(field.getKey());
            assertThat(place).as(field.getKey() + " in its place, once").isGreaterThan(last);
            last = place;
            if (field.getKey().equals("final-recipient")) {
                assertThat(field.getValue())
                        .matches(isUtf8 ? "(?s)(?:rfc822|utf-8); ?.+@.+" : Pattern.quote("rfc822; ") + ADDRESS);
            } else {
                assertThat(field.getValue()).as(field.getKey()).matches(VALUES.get(field.getKey()));
            }
        }
        assertThat(group.names()).containsAll(required);
    }

    private static Section section(String lines) {
        List<Map.Entry<String, String>> fields = new ArrayList<>();
        String unfolded = lines.replaceAll("\r\n[ \t]+", " ");
        assertThat(unfolded).endsWith("\r\n");
        for (String line : unfolded.substring(0, unfolded.length() - 2).split("\r\n", -1)) {
            Matcher field = Pattern.compile("(?s)([!-9;-~]+): ?(.*)").matcher(line);
            assertThat(field.matches()).as("a field: " + line).isTrue();
            fields.add(Map.entry(field.group(1).toLowerCase(Locale.ROOT), field.group(2)));
        }
        return new Section(fields);
    }
}
