package org.backupmx.history.file;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The name of a series as the name of a file: lower-case letters, digits and {@code -} as they are, {@code .} too but
 * for the first character, everything else as {@code %} and two hexadecimal digits; so that no file system mixes two of
 * them. What gets longer than {@value #MAX_CHARS} characters is cut, and goes on with {@code ~} and a digest.
 */
final class SeriesName {

    static final String SUFFIX = ".log";

    private static final int MAX_CHARS = 200;
    private static final int DIGEST_CHARS = 32;

    private SeriesName() {}

    static String fileName(String series) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < series.length(); i++) {
            char c = series.charAt(i);
            boolean plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && i > 0);
            out.append(plain ? String.valueOf(c) : String.format("%%%02x", (int) c));
        }
        if (out.length() > MAX_CHARS) {
            out.setLength(MAX_CHARS - DIGEST_CHARS - 1);
            out.append('~').append(digest(series));
        }
        return out.append(SUFFIX).toString();
    }

    private static String digest(String series) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(series.getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(digest, 0, DIGEST_CHARS / 2);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    /** Tells whether the file's name is not the whole of the series' name, which is then in its first line. */
    static boolean isCut(String fileName) {
        return fileName.indexOf('~') >= 0;
    }

    /** Returns the name of the series, null if no series has such a file. */
    static @Nullable String series(String fileName) {
        if (!fileName.endsWith(SUFFIX)) {
            return null;
        }
        String encoded = fileName.substring(0, fileName.length() - SUFFIX.length());
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < encoded.length(); i++) {
            char c = encoded.charAt(i);
            if (c == '%' && i + 2 < encoded.length() && isHex(encoded, i + 1)) {
                out.append((char) Integer.parseInt(encoded, i + 1, i + 3, 16));
                i += 2;
            } else {
                out.append(c);
            }
        }
        String series = out.toString();
        return !series.isEmpty() && fileName(series).equals(fileName) ? series : null;
    }

    private static boolean isHex(String text, int at) {
        return HexFormat.isHexDigit(text.charAt(at)) && HexFormat.isHexDigit(text.charAt(at + 1));
    }
}
