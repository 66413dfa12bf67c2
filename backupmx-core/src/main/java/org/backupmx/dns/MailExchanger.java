package org.backupmx.dns;

import static java.util.Objects.requireNonNull;

import java.util.Locale;

/**
 * A mail exchanger of a domain: one MX record (RFC 5321 section 5.1). Immutable and thread-safe.
 *
 * @param host its host name, in lower case without the trailing dot; whatever a DNS name may hold, so perhaps no host
 *     name by the letter
 * @param preference its preference, 0 to 65535; lower is preferred
 */
public record MailExchanger(String host, int preference) {

    /** Checks and normalises the parts. */
    public MailExchanger {
        requireNonNull(host, "host");
        if (preference < 0 || preference > 65535) {
            throw new IllegalArgumentException("preference: " + preference + " (expected: 0 to 65535)");
        }
        host = host.toLowerCase(Locale.ROOT);
        if (host.endsWith(".")) {
            host = host.substring(0, host.length() - 1);
        }
        if (host.isEmpty()) {
            throw new IllegalArgumentException("host: \"\" (expected: a name; the null MX is MxLookup.NullMx)");
        }
    }

    /** Returns the record's data: {@code 10 mx1.example.net}. */
    @Override
    public String toString() {
        return preference + " " + host;
    }
}
