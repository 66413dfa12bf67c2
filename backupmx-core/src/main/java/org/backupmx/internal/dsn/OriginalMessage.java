package org.backupmx.internal.dsn;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.backupmx.relay.MailData;

/** What a DSN needs of the original: its beginning, its header section, its Message-ID. Immutable. */
final class OriginalMessage {

    /** The longest line of mail, line end not counted (RFC 5322 section 2.1.1). */
    private static final int MAX_LINE = 998;

    private static final Pattern FIELD = Pattern.compile("[!-9;-~]{1,100}[ \\t]*:.*", Pattern.DOTALL);
    private static final Pattern MESSAGE_ID =
            Pattern.compile("message-id[ \\t]*:\\s*(<[!-;=?-~]{1,250}>)\\s*", Pattern.CASE_INSENSITIVE);

    private final byte[] start;
    private final int headerEnd;

    private OriginalMessage(byte[] start) {
        this.start = start;
        this.headerEnd = headerEnd(start);
    }

    /** Reads at most {@code maxBytes} of the original. */
    static OriginalMessage read(MailData data, int maxBytes) throws IOException {
        try (InputStream in = data.open()) {
            return new OriginalMessage(in.readNBytes(maxBytes));
        }
    }

    /** Returns where the lines that are fields or their continuations end. */
    private static int headerEnd(byte[] start) {
        int position = 0;
        while (position < start.length) {
            int end = lineEnd(start, position);
            boolean isContinuation = position > 0 && (start[position] == ' ' || start[position] == '\t');
            if (!isContinuation && !FIELD.matcher(text(start, position, end)).matches()) {
                return position;
            }
            position = Math.min(start.length, end + 1);
        }
        return position;
    }

    /** Returns the index of the line's LF, or of the end. */
    private static int lineEnd(byte[] octets, int from) {
        int end = from;
        while (end < octets.length && octets[end] != '\n') {
            end++;
        }
        return end;
    }

    private static String text(byte[] octets, int from, int to) {
        return new String(octets, from, to - from, StandardCharsets.ISO_8859_1);
    }

    /** Returns the Message-ID with its angle brackets, empty if there is none or it has not the form of one. */
    Optional<String> messageId() {
        int position = 0;
        while (position < headerEnd) {
            int next = nextField(position);
            // The limit spares a field without end the matching.
            Matcher matcher = MESSAGE_ID.matcher(text(start, position, Math.min(next, position + 1000)));
            if (matcher.matches()) {
                return Optional.of(matcher.group(1));
            }
            position = next;
        }
        return Optional.empty();
    }

    private int nextField(int from) {
        int position = from;
        do {
            position = Math.min(headerEnd, lineEnd(start, position) + 1);
        } while (position < headerEnd && (start[position] == ' ' || start[position] == '\t'));
        return position;
    }

    /**
     * Returns the header section in whole lines, at most about {@code maxBytes}: line ends become CRLF, lines without
     * end are folded, NUL and lone CR become {@code ?}.
     */
    byte[] header(int maxBytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int position = 0;
        while (position < headerEnd) {
            int end = lineEnd(start, position);
            byte[] line = line(position, end);
            if (out.size() + line.length > maxBytes) {
                break;
            }
            out.writeBytes(line);
            position = end + 1;
        }
        return out.toByteArray();
    }

    private byte[] line(int from, int to) {
        int end = to > from && start[to - 1] == '\r' ? to - 1 : to;
        ByteArrayOutputStream out = new ByteArrayOutputStream(end - from + 2);
        int length = 0;
        for (int i = from; i < end; i++) {
            boolean isCharacterStart = (start[i] & 0xc0) != 0x80;
            if (length >= MAX_LINE - 8 && isCharacterStart || length == MAX_LINE) {
                out.writeBytes(new byte[] {'\r', '\n', ' '});
                length = 1;
            }
            out.write(start[i] == 0 || start[i] == '\r' ? '?' : start[i]);
            length++;
        }
        out.writeBytes(new byte[] {'\r', '\n'});
        return out.toByteArray();
    }

    /** Returns what was read, empty if it is longer than {@code maxBytes} or not in lines that MIME can carry. */
    Optional<byte[]> whole(int maxBytes) {
        return start.length <= maxBytes && isInLines()
                ? Optional.of(Arrays.copyOf(start, start.length))
                : Optional.empty();
    }

    private boolean isInLines() {
        int length = 0;
        for (int i = 0; i < start.length; i++) {
            byte b = start[i];
            if (b == '\r' && i + 1 < start.length && start[i + 1] == '\n') {
                i++;
                length = 0;
            } else if (b == '\r' || b == '\n' || b == 0 || ++length > MAX_LINE) {
                return false;
            }
        }
        return true;
    }
}
