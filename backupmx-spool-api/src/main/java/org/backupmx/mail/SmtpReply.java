package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A reply of an SMTP server (RFC 5321 section 4.2): a code, perhaps an enhanced status code, and lines of text.
 *
 * <p>Text is made safe on construction: control characters become {@code ?}, so that a reply can be logged, echoed and
 * sent again as it is. Immutable and thread-safe.
 */
public final class SmtpReply {

    /** The most lines a reply may have: {@value}. */
    public static final int MAX_LINES = 128;

    private final int code;
    private final @Nullable EnhancedStatusCode enhanced;
    private final List<String> lines;

    private SmtpReply(int code, @Nullable EnhancedStatusCode enhanced, List<String> lines) {
        if (code < 200 || code > 599) {
            throw new IllegalArgumentException("code: " + code + " (expected: 200 to 599)");
        }
        if (lines.isEmpty() || lines.size() > MAX_LINES) {
            throw new IllegalArgumentException("lines: " + lines.size() + " (expected: 1 to " + MAX_LINES + ")");
        }
        this.code = code;
        this.enhanced = enhanced;
        this.lines = safe(lines);
    }

    private static List<String> safe(List<String> lines) {
        if (lines.size() == 1) {
            return List.of(safe(lines.get(0))); // one such reply a message
        }
        return lines.stream().map(SmtpReply::safe).toList();
    }

    private static String safe(String line) {
        requireNonNull(line, "line");
        for (int i = 0; i < line.length(); i++) {
            if (Character.isISOControl(line.charAt(i)) && line.charAt(i) != '\t') {
                StringBuilder out = new StringBuilder(line);
                for (int j = i; j < line.length(); j++) {
                    if (Character.isISOControl(line.charAt(j)) && line.charAt(j) != '\t') {
                        out.setCharAt(j, '?');
                    }
                }
                return out.toString();
            }
        }
        return line;
    }

    /**
     * Returns a reply of one line with an enhanced status code.
     *
     * @param code the reply code, 200 to 599
     * @param enhanced the enhanced status code, for example {@code 2.1.5}
     * @param text the text
     * @return the reply
     * @throws IllegalArgumentException if a part is out of range
     */
    public static SmtpReply of(int code, String enhanced, String text) {
        return new SmtpReply(code, EnhancedStatusCode.parse(enhanced), List.of(text));
    }

    /**
     * Returns a reply without an enhanced status code.
     *
     * @param code the reply code, 200 to 599
     * @param lines the lines of text, at least one
     * @return the reply
     * @throws IllegalArgumentException if a part is out of range
     */
    public static SmtpReply of(int code, List<String> lines) {
        return new SmtpReply(code, null, lines);
    }

    /**
     * Returns a reply from its parts.
     *
     * @param code the reply code, 200 to 599
     * @param enhanced the enhanced status code, if there is one
     * @param lines the lines of text without the enhanced status code, at least one
     * @return the reply
     * @throws IllegalArgumentException if a part is out of range
     */
    public static SmtpReply of(int code, Optional<EnhancedStatusCode> enhanced, List<String> lines) {
        return new SmtpReply(code, enhanced.orElse(null), lines);
    }

    /**
     * Returns the reply code.
     *
     * @return 200 to 599
     */
    public int code() {
        return code;
    }

    /**
     * Returns the enhanced status code.
     *
     * @return the code, empty if the reply has none
     */
    public Optional<EnhancedStatusCode> enhanced() {
        return Optional.ofNullable(enhanced);
    }

    /**
     * Returns the lines of text.
     *
     * @return at least one line, without codes and without line ends
     */
    public List<String> lines() {
        return lines;
    }

    /**
     * Tells whether this is a positive completion (2yz).
     *
     * @return true for 200 to 299
     */
    public boolean isPositive() {
        return code < 300;
    }

    /**
     * Tells whether this is a transient failure (4yz).
     *
     * @return true for 400 to 499
     */
    public boolean isTransient() {
        return code >= 400 && code < 500;
    }

    /**
     * Tells whether this is a permanent failure (5yz).
     *
     * @return true for 500 to 599
     */
    public boolean isPermanent() {
        return code >= 500;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SmtpReply other
                && code == other.code
                && enhanced().equals(other.enhanced())
                && lines.equals(other.lines);
    }

    @Override
    public int hashCode() {
        return code * 31 + lines.hashCode();
    }

    /** Returns the reply on one line, for logs: {@code 250 2.1.5 Recipient ok}. */
    @Override
    public String toString() {
        return code + " " + (enhanced == null ? "" : enhanced + " ") + String.join(" / ", lines);
    }
}
