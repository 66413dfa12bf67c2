package org.backupmx.relay;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/** Addresses written as text, told from host names without asking anybody. */
final class AddressLiteral {

    private AddressLiteral() {}

    /** Returns the address that {@code text} writes, empty if it is a host name. */
    static Optional<InetAddress> parse(String text) {
        boolean v4 = text.matches("\\d{1,3}(\\.\\d{1,3}){3}");
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
