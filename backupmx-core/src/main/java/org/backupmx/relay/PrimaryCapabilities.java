package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a primary said of itself in one dialogue. Immutable and thread-safe.
 *
 * <p>All texts are safe to log: what is not printable ASCII becomes {@code ?}. They are bounded, whatever the primary
 * says: a text is cut after {@value #MAX_TEXT} characters, extensions after {@value #MAX_EXTENSIONS} lines, so the whole
 * takes less than 20 KiB.
 *
 * @param banner the first line of the banner, without its code; empty if it was not waited for
 * @param extensions the lines of the last answer to EHLO after the first, as received; empty if EHLO was not said, or
 *     after HELO. Inside TLS they are those said there, and STARTTLS is no longer among them (RFC 3207 section 4.2)
 * @param tls what the handshake agreed on, empty if none was made
 */
public record PrimaryCapabilities(String banner, List<String> extensions, Optional<Tls> tls) {

    /** The most characters of a text that are kept: {@value}. */
    public static final int MAX_TEXT = 256;

    /** The most extensions that are kept: {@value}. */
    public static final int MAX_EXTENSIONS = 64;

    private static final PrimaryCapabilities NONE = new PrimaryCapabilities("", List.of(), Optional.empty());

    /** Makes the texts safe and bounds them. */
    public PrimaryCapabilities {
        banner = safe(requireNonNull(banner, "banner"));
        extensions = requireNonNull(extensions, "extensions").stream()
                .limit(MAX_EXTENSIONS)
                .map(PrimaryCapabilities::safe)
                .toList();
        requireNonNull(tls, "tls");
    }

    /**
     * What a TLS handshake agreed on.
     *
     * @param protocol the version, for example {@code TLSv1.3}
     * @param cipherSuite the cipher suite by its name in the JDK, for example {@code TLS_AES_256_GCM_SHA384}
     * @param certificateEnd when the primary's certificate expires, or has expired; it was not verified
     */
    public record Tls(String protocol, String cipherSuite, Instant certificateEnd) {

        /** Checks the parts. */
        public Tls {
            requireNonNull(protocol, "protocol");
            requireNonNull(cipherSuite, "cipherSuite");
            requireNonNull(certificateEnd, "certificateEnd");
        }
    }

    private static String safe(String text) {
        StringBuilder out = new StringBuilder(Math.min(text.length(), MAX_TEXT));
        for (int i = 0; i < Math.min(text.length(), MAX_TEXT); i++) {
            char c = text.charAt(i);
            out.append(c >= ' ' && c < 0x7f ? c : '?');
        }
        return out.toString();
    }

    /**
     * Returns the capabilities of a primary that has said nothing yet.
     *
     * @return no banner, no extensions, no TLS
     */
    public static PrimaryCapabilities none() {
        return NONE;
    }

    /**
     * Tells whether an extension is offered.
     *
     * @param keyword its EHLO keyword, for example {@code PIPELINING}; case does not count
     * @return true if it is
     */
    public boolean offers(String keyword) {
        requireNonNull(keyword, "keyword");
        return extensions.stream().anyMatch(line -> keyword(line).equalsIgnoreCase(keyword));
    }

    /**
     * Returns the largest message that the primary takes (RFC 1870).
     *
     * @return the limit in bytes; empty if it tells none: no SIZE, SIZE without a value or of 0, or what is no number
     */
    public OptionalLong maxMessageBytes() {
        return extensions.stream()
                .filter(line -> keyword(line).equalsIgnoreCase("SIZE"))
                .map(line -> line.substring("SIZE".length()).strip())
                .filter(value ->
                        value.matches("0*[1-9][0-9]{0,17}")) // more digits than any message has bytes: no limit
                .mapToLong(Long::parseLong)
                .findFirst();
    }

    private static String keyword(String line) {
        int space = line.indexOf(' ');
        return space < 0 ? line : line.substring(0, space);
    }
}
