package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;

/**
 * A mailbox (RFC 5321 section 2.3.11): a local part at a domain.
 *
 * <p>The local part is held without its quotes and backslashes, so {@code "a.b"@example.org} and
 * {@code a.b@example.org} are equal; {@link #toString()} quotes again where the syntax needs it. Local parts are
 * compared with case, domains without. Immutable and thread-safe.
 *
 * @param localPart the local part, unquoted; 1 to {@value #MAX_LOCAL_PART_OCTETS} octets of UTF-8, no control
 *     characters; may be empty only in its quoted form
 * @param domain the domain
 */
public record Mailbox(String localPart, MailDomain domain) {

    /** The longest local part, in octets of UTF-8: {@value} (RFC 5321 section 4.5.3.1.1). */
    public static final int MAX_LOCAL_PART_OCTETS = 64;

    /** Checks the parts. */
    public Mailbox {
        requireNonNull(localPart, "localPart");
        requireNonNull(domain, "domain");
        for (int i = 0; i < localPart.length(); i++) {
            char c = localPart.charAt(i);
            if (Character.isISOControl(c) || (Character.isSurrogate(c) && !isPaired(localPart, i))) {
                throw badLocalPart(localPart, "no control characters");
            }
        }
        if (localPart.length() > MAX_LOCAL_PART_OCTETS / 4
                && localPart.getBytes(StandardCharsets.UTF_8).length > MAX_LOCAL_PART_OCTETS) {
            throw badLocalPart(localPart, "at most " + MAX_LOCAL_PART_OCTETS + " octets");
        }
    }

    private static boolean isPaired(String text, int i) {
        return Character.isHighSurrogate(text.charAt(i))
                ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }

    private static IllegalArgumentException badLocalPart(String localPart, String expected) {
        return new IllegalArgumentException("localPart: " + Printable.of(localPart) + " (expected: " + expected + ")");
    }

    /**
     * Returns the mailbox that {@code text} writes.
     *
     * @param text {@code local-part@domain}, the local part a dot-string or a quoted string (RFC 5321 section 4.1.2,
     *     with the UTF-8 of RFC 6531)
     * @return the mailbox
     * @throws IllegalArgumentException if {@code text} is not a mailbox
     */
    public static Mailbox parse(String text) {
        requireNonNull(text, "text");
        return text.startsWith("\"") ? parseQuoted(text) : parseDotString(text);
    }

    private static Mailbox parseDotString(String text) {
        int at = text.indexOf('@');
        if (at <= 0) {
            throw bad(text);
        }
        boolean dot = true;
        for (int i = 0; i < at; i++) {
            char c = text.charAt(i);
            if (c == '.' ? dot : !isAtext(c)) {
                throw bad(text);
            }
            dot = c == '.';
        }
        if (dot) {
            throw bad(text);
        }
        return new Mailbox(text.substring(0, at), MailDomain.of(text.substring(at + 1)));
    }

    private static Mailbox parseQuoted(String text) {
        StringBuilder local = new StringBuilder();
        int i = 1;
        while (true) {
            if (i >= text.length()) {
                throw bad(text);
            }
            char c = text.charAt(i++);
            if (c == '"') {
                break;
            }
            if (c == '\\') {
                if (i >= text.length()) {
                    throw bad(text);
                }
                c = text.charAt(i++);
            }
            local.append(c);
        }
        if (i >= text.length() || text.charAt(i) != '@') {
            throw bad(text);
        }
        return new Mailbox(local.toString(), MailDomain.of(text.substring(i + 1)));
    }

    private static IllegalArgumentException bad(String text) {
        return new IllegalArgumentException("mailbox: " + Printable.of(text) + " (expected: local-part@domain)");
    }

    private static boolean isAtext(char c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c >= 0x80
                || "!#$%&'*+-/=?^_`{|}~".indexOf(c) >= 0;
    }

    /**
     * Tells whether the local part needs SMTPUTF8 (RFC 6531) on the wire; the domain never does, it has A-labels.
     *
     * @return true if the local part has characters beyond ASCII
     */
    public boolean needsSmtpUtf8() {
        for (int i = 0; i < localPart.length(); i++) {
            if (localPart.charAt(i) >= 0x80) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns the mailbox as it stands between the angle brackets of a path.
     *
     * @return {@code local-part@domain}, the local part quoted where the syntax needs it
     */
    @Override
    public String toString() {
        return (isDotString() ? localPart : quoted()) + '@' + domain;
    }

    private boolean isDotString() {
        boolean dot = true;
        for (int i = 0; i < localPart.length(); i++) {
            char c = localPart.charAt(i);
            if (c == '.' ? dot : !isAtext(c)) {
                return false;
            }
            dot = c == '.';
        }
        return !dot;
    }

    private String quoted() {
        StringBuilder out = new StringBuilder(localPart.length() + 4).append('"');
        for (int i = 0; i < localPart.length(); i++) {
            char c = localPart.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\');
            }
            out.append(c);
        }
        return out.append('"').toString();
    }
}
