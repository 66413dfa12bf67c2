package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.Locale;

/**
 * Host and port of an attempt. Immutable and thread-safe.
 *
 * @param host a host name in lower case, or an IP address without brackets
 * @param port the TCP port, 1 to 65535
 */
public record NextHop(String host, int port) {

    /** The port of SMTP between servers: {@value}. */
    public static final int SMTP_PORT = 25;

    /** Checks and normalises the parts. */
    public NextHop {
        requireNonNull(host, "host");
        boolean named = host.matches("[A-Za-z0-9_]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?\\.?");
        boolean v6 = host.matches("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
        if (!named && !v6) {
            throw new IllegalArgumentException("host: " + (host.length() > 80 ? host.substring(0, 80) + "…" : host)
                    + " (expected: a host name or an IP address)");
        }
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port: " + port + " (expected: 1 to 65535)");
        }
        host = host.toLowerCase(Locale.ROOT);
        if (host.endsWith(".")) {
            host = host.substring(0, host.length() - 1);
        }
    }

    /**
     * Returns the next hop that {@code text} writes.
     *
     * @param text {@code host}, {@code host:port}, {@code [address]} or {@code [address]:port}; port 25 if none
     * @return the next hop
     * @throws IllegalArgumentException if {@code text} has another form
     */
    public static NextHop parse(String text) {
        requireNonNull(text, "text");
        try {
            if (text.startsWith("[")) {
                int end = text.indexOf(']');
                if (end < 0) {
                    throw new IllegalArgumentException("no closing bracket");
                }
                String rest = text.substring(end + 1);
                if (!rest.isEmpty() && !rest.startsWith(":")) {
                    throw new IllegalArgumentException("text after the bracket");
                }
                return new NextHop(text.substring(1, end), rest.isEmpty() ? SMTP_PORT : port(rest.substring(1)));
            }
            int colon = text.indexOf(':');
            return colon < 0
                    ? new NextHop(text, SMTP_PORT)
                    : new NextHop(text.substring(0, colon), port(text.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "next hop: " + text + " (expected: host, host:port, [address] or [address]:port)", e);
        }
    }

    private static int port(String digits) {
        if (!digits.matches("\\d{1,5}")) {
            throw new IllegalArgumentException("port: " + digits + " (expected: 1 to 65535)");
        }
        return Integer.parseInt(digits);
    }

    /** Returns {@code host:port}, with brackets around an IPv6 address. */
    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
