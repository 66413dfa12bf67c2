package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** The encoding of DSN parameters (RFC 3461 section 4): printable ASCII with {@code +XX} for the rest. */
public final class Xtext {

    private Xtext() {}

    /**
     * Tells whether {@code text} is well-formed xtext.
     *
     * @param text the candidate
     * @return true if every character is printable ASCII other than {@code =} and each {@code +} leads two upper-case
     *     hexadecimal digits
     */
    public static boolean isXtext(String text) {
        requireNonNull(text, "text");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '!' || c > '~' || c == '=') {
                return false;
            }
            if (c == '+' && (i + 2 >= text.length() || hex(text.charAt(++i)) < 0 || hex(text.charAt(++i)) < 0)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns what {@code xtext} stands for.
     *
     * @param xtext well-formed xtext
     * @return the decoded text, octets taken as UTF-8
     * @throws IllegalArgumentException if {@code xtext} is not well-formed
     */
    public static String decode(String xtext) {
        if (!isXtext(xtext)) {
            throw new IllegalArgumentException("xtext: " + Printable.of(xtext) + " (expected: RFC 3461 xtext)");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(xtext.length());
        for (int i = 0; i < xtext.length(); i++) {
            char c = xtext.charAt(i);
            out.write(c == '+' ? hex(xtext.charAt(++i)) << 4 | hex(xtext.charAt(++i)) : c);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /**
     * Returns {@code text} as xtext.
     *
     * @param text any text
     * @return its xtext form
     */
    public static String encode(String text) {
        requireNonNull(text, "text");
        StringBuilder out = new StringBuilder(text.length());
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            if (b < '!' || b > '~' || b == '+' || b == '=') {
                out.append('+').append(HEX.charAt(b >> 4 & 15)).append(HEX.charAt(b & 15));
            } else {
                out.append((char) b);
            }
        }
        return out.toString();
    }

    private static final String HEX = "0123456789ABCDEF";

    private static int hex(char c) {
        return HEX.indexOf(c);
    }
}
