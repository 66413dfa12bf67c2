package org.backupmx.history.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.backupmx.history.HistoryEntry;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a series' file, UTF-8, each ended by LF:
 *
 * <pre>
 *   CRC backupmx-history 1 NAME      the first line: format version and name of the series
 *   CRC TIME TEXT                    an entry
 * </pre>
 *
 * CRC is the CRC32C, 8 lower-case hexadecimal digits, of what stands between the space behind it and the LF. TIME is UTC,
 * always as in {@code 2026-11-22T12:00:00.000Z}.
 */
final class HistoryLines {

    private static final String MAGIC = "backupmx-history ";
    private static final String VERSION = "1";
    private static final int CRC_CHARS = 8;
    private static final int TIME_CHARS = 24;

    /** No line is longer: CRC, time, two spaces, and text of three octets a character at most. */
    private static final int MAX_BYTES = CRC_CHARS + TIME_CHARS + 2 + 3 * HistoryEntry.MAX_TEXT_CHARS;

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** What takes the lines of a file, one by one. */
    interface Visitor {

        /** Takes the name in the header. */
        void header(String series);

        void entry(HistoryEntry entry);

        void damaged();
    }

    private HistoryLines() {}

    static byte[] header(String series) {
        return line(MAGIC + VERSION + " " + series);
    }

    static byte[] entry(HistoryEntry entry) {
        return line(TIME.format(entry.at()) + " " + entry.text());
    }

    private static byte[] line(String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        byte[] line = new byte[CRC_CHARS + 1 + bytes.length + 1];
        System.arraycopy(bytes, 0, line, CRC_CHARS + 1, bytes.length);
        putCrc(line, bytes.length);
        line[CRC_CHARS] = ' ';
        line[line.length - 1] = '\n';
        return line;
    }

    private static void putCrc(byte[] line, int length) {
        String hex = crc(line, length);
        for (int i = 0; i < CRC_CHARS; i++) {
            line[i] = (byte) hex.charAt(i);
        }
    }

    private static String crc(byte[] line, int length) {
        CRC32C crc = new CRC32C();
        crc.update(line, CRC_CHARS + 1, length);
        return HexFormat.of().toHexDigits(crc.getValue(), CRC_CHARS);
    }

    /**
     * Reads a file to its end, in bounded memory.
     *
     * @return the size up to the last LF; what follows was torn
     * @throws IOException if it cannot be read, or is of another version
     */
    static long read(InputStream in, Visitor visitor) throws IOException {
        byte[] buffer = new byte[1 << 16];
        byte[] line = new byte[MAX_BYTES + 1];
        int length = 0;
        long number = 0;
        long at = 0;
        long end = 0;
        for (int read = in.read(buffer); read > 0; read = in.read(buffer)) {
            for (int i = 0; i < read; i++, at++) {
                if (buffer[i] == '\n') {
                    visit(number++, line, length, visitor);
                    length = 0;
                    end = at + 1;
                } else if (length < line.length) {
                    line[length++] = buffer[i];
                }
            }
        }
        return end;
    }

    private static void visit(long number, byte[] line, int length, Visitor visitor) throws IOException {
        String content = content(line, length);
        String series = content == null || number > 0 ? null : series(content);
        HistoryEntry entry = content == null ? null : parse(content);
        if (series != null) {
            visitor.header(series);
        } else if (entry != null) {
            visitor.entry(entry);
        } else {
            visitor.damaged();
        }
    }

    private static @Nullable String content(byte[] line, int length) {
        int bytes = length - CRC_CHARS - 1;
        if (bytes < 0 || length > MAX_BYTES || line[CRC_CHARS] != ' ') {
            return null;
        }
        String crc = new String(line, 0, CRC_CHARS, StandardCharsets.ISO_8859_1);
        return crc.equals(crc(line, bytes)) ? new String(line, CRC_CHARS + 1, bytes, StandardCharsets.UTF_8) : null;
    }

    private static @Nullable String series(String content) throws IOException {
        if (!content.startsWith(MAGIC)) {
            return null;
        }
        String[] parts = content.substring(MAGIC.length()).split(" ", 2);
        if (parts.length < 2 || !parts[0].equals(VERSION)) {
            throw new IOException("format version " + parts[0] + " (expected: " + VERSION + ")");
        }
        return parts[1];
    }

    private static @Nullable HistoryEntry parse(String content) {
        if (content.length() <= TIME_CHARS || content.charAt(TIME_CHARS) != ' ') {
            return null;
        }
        try {
            return new HistoryEntry(time(content), content.substring(TIME_CHARS + 1));
        } catch (DateTimeException | IllegalArgumentException e) {
            return null; // somebody else's line
        }
    }

    private static Instant time(String content) {
        return LocalDateTime.of(
                        number(content, 0, 4),
                        number(content, 5, 7),
                        number(content, 8, 10),
                        number(content, 11, 13),
                        number(content, 14, 16),
                        number(content, 17, 19),
                        number(content, 20, 23) * 1_000_000)
                .toInstant(ZoneOffset.UTC);
    }

    private static int number(String content, int from, int to) {
        return Integer.parseInt(content, from, to, 10);
    }
}
