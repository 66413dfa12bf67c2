package org.backupmx.relay;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/** Addresses written as text, told from host names without asking anybody. */
final class AddressLiteral {

    // the JDK would ask DNS for 256.0.0.0
    private static final String OCTET = "(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])";

    private AddressLiteral() {}

    /** Returns the address that {@code text} writes, empty if it is a host name. */
    static Optional<InetAddress> parse(String text) {
        boolean v4 = text.matches(OCTET + "(?:\\." + OCTET + "){3}");
        boolean v6 = text.matches("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
        if (!v4 && !v6) {
            return Optional.empty();
        }
        try {
            // Only the characters of an address get here: it is parsed, never looked up.
            return Optional.of(InetAddress.getByName(text));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    /** Returns the address between the brackets of a domain such as {@code [IPv6:2001:db8::1]}. */
    static Optional<InetAddress> parseDomain(String domain) {
        String inner = domain.substring(1, domain.length() - 1);
        return parse(inner.regionMatches(true, 0, "IPv6:", 0, 5) ? inner.substring(5) : inner);
    }
}
