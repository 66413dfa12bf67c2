package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.net.IDN;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * The domain of a mailbox (RFC 5321 section 2.3.5): a host name as lower-case A-labels, or an address literal.
 *
 * <p>Two domains are equal when they name the same thing: case, a trailing dot and the difference between U-labels and
 * A-labels are gone. Immutable and thread-safe.
 */
public final class MailDomain implements Comparable<MailDomain> {

    /** The longest domain, in octets: {@value} (RFC 5321 section 4.5.3.1.2). */
    public static final int MAX_OCTETS = 255;

    private final String name;

    private MailDomain(String name) {
        this.name = name;
    }

    /**
     * Returns the domain that {@code text} names.
     *
     * @param text a host name (A-labels or U-labels, one trailing dot tolerated) or an address literal in brackets
     * @return the normalised domain
     * @throws IllegalArgumentException if {@code text} is neither
     */
    public static MailDomain of(String text) {
        requireNonNull(text, "text");
        if (text.startsWith("[")) {
            return new MailDomain(literal(text));
        }
        String ascii = isLowerCaseAscii(text) ? text : toAscii(text);
        if (ascii.endsWith(".")) {
            ascii = ascii.substring(0, ascii.length() - 1);
        }
        checkHostName(ascii, text);
        return new MailDomain(ascii);
    }

    private static boolean isLowerCaseAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x80 || (c >= 'A' && c <= 'Z')) {
                return false;
            }
        }
        return true;
    }

    private static String toAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                if (text.length() > MAX_OCTETS) {
                    throw bad(text);
                }
                try {
                    return IDN.toASCII(text, IDN.ALLOW_UNASSIGNED).toLowerCase(Locale.ROOT);
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(bad(text).getMessage(), e);
                }
            }
        }
        return text.toLowerCase(Locale.ROOT);
    }

    private static void checkHostName(String ascii, String text) {
        if (ascii.isEmpty() || ascii.length() > MAX_OCTETS) {
            throw bad(text);
        }
        int label = 0;
        for (int i = 0; i < ascii.length(); i++) {
            char c = ascii.charAt(i);
            if (c == '.') {
                if (label == 0 || ascii.charAt(i - 1) == '-') {
                    throw bad(text);
                }
                label = 0;
            } else {
                boolean hyphen = c == '-' && label > 0;
                if (!hyphen && c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') || ++label > 63) {
                    throw bad(text);
                }
            }
        }
        if (label == 0 || ascii.endsWith("-")) {
            throw bad(text);
        }
    }

    private static String literal(String text) {
        if (!text.endsWith("]") || text.length() > MAX_OCTETS) {
            throw bad(text);
        }
        String inner = text.substring(1, text.length() - 1);
        return inner.regionMatches(true, 0, "IPv6:", 0, 5) ? ipv6(inner.substring(5), text) : ipv4(inner, text);
    }

    private static String ipv4(String address, String text) {
        if (!address.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
            throw bad(text);
        }
        StringJoiner octets = new StringJoiner(".", "[", "]");
        for (String digits : address.split("\\.", -1)) {
            int octet = Integer.parseInt(digits);
            if (octet > 255) {
                throw bad(text);
            }
            octets.add(Integer.toString(octet));
        }
        return octets.toString();
    }

    private static String ipv6(String address, String text) {
        if (!address.matches("[0-9A-Fa-f:.]*")) {
            throw bad(text);
        }
        try {
            // In brackets it is parsed and never looked up.
            byte[] octets = InetAddress.getByName('[' + address + ']').getAddress();
            StringJoiner words = new StringJoiner(":", "[IPv6:", "]");
            if (octets.length == 4) {
                // Java turns a mapped address into its IPv4 address; the literal stays what it was.
                words.add("0:0:0:0:0:ffff");
            }
            for (int i = 0; i < octets.length; i += 2) {
                words.add(Integer.toHexString((octets[i] & 0xff) << 8 | octets[i + 1] & 0xff));
            }
            return words.toString();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(bad(text).getMessage(), e);
        }
    }

    private static IllegalArgumentException bad(String text) {
        return new IllegalArgumentException("domain: " + Printable.of(text)
                + " (expected: a host name of letters, digits, hyphens and dots, or an address literal in brackets)");
    }

    /**
     * Tells whether this is an address literal such as {@code [192.0.2.1]}.
     *
     * @return true for an address literal, false for a host name
     */
    public boolean isAddressLiteral() {
        return name.charAt(0) == '[';
    }

    /**
     * Returns the domain as it stands in a path: A-labels in lower case, or the literal with its brackets.
     *
     * @return the text, ASCII only
     */
    @Override
    public String toString() {
        return name;
    }

    @Override
    public int compareTo(MailDomain other) {
        return name.compareTo(other.name);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof MailDomain other && name.equals(other.name);
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }
}
