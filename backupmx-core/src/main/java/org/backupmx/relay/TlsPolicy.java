package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.backupmx.mail.MailDomain;

/**
 * What TLS toward a primary has to be. Versions 1.2 and 1.3 by STARTTLS (RFC 3207). Immutable and thread-safe.
 *
 * <p>Where TLS is demanded mail is never sent in clear text: an attempt without it ends as
 * {@link RelayResult.NoSession} with 451 4.7.5 and the reason, and the primary is REJECTING until a probe has made such a
 * session.
 */
public sealed interface TlsPolicy {

    /** Clear text, whatever is offered. */
    record None() implements TlsPolicy {}

    /**
     * TLS where it is offered, with any certificate (RFC 7435). Where STARTTLS is refused, or the handshake fails, clear
     * text; a failed handshake is remembered for the address for some time.
     */
    record May() implements TlsPolicy {}

    /** TLS with any certificate: against who listens, not against who interferes. */
    record Encrypt() implements TlsPolicy {}

    /**
     * TLS with a certificate that a trusted authority made for the host (RFC 7817, RFC 9525): one of its DNS names is one of
     * ours; a star stands for the whole first label. The common name and IP addresses do not count.
     *
     * @param names the names of which one must be in the certificate, as A-labels in lower case; empty for the name of
     *     the next hop. That name is no safer than the DNS it came from
     * @param authorities the certificates that are trusted; empty for those of the JDK
     */
    record Verify(Set<String> names, Set<X509Certificate> authorities) implements TlsPolicy {
        /** Copies and normalises the parts. */
        public Verify {
            names = names.stream().map(Verify::hostName).collect(Collectors.toUnmodifiableSet());
            authorities = Set.copyOf(authorities);
        }

        private static String hostName(String name) {
            MailDomain domain = MailDomain.of(requireNonNull(name, "name"));
            if (domain.isAddressLiteral()) {
                throw new IllegalArgumentException("names: " + name + " (expected: host names)");
            }
            return domain.toString();
        }

        /**
         * Returns this policy with names that count in place of the next hop's.
         *
         * @param values host names
         * @return a copy
         * @throws IllegalArgumentException if one is no host name
         */
        public Verify withNames(String... values) {
            return new Verify(new LinkedHashSet<>(Arrays.asList(values)), authorities);
        }

        /**
         * Returns this policy with authorities that are trusted in place of the JDK's.
         *
         * @param values their certificates
         * @return a copy
         */
        public Verify withAuthorities(Set<X509Certificate> values) {
            return new Verify(names, values);
        }
    }

    /**
     * TLS with a certificate that is known: nothing else of it counts, neither its name, nor who made it, nor its dates.
     *
     * @param sha256 the SHA-256 of each that is accepted, at least one, in lower-case hexadecimal digits
     */
    record Fingerprint(Set<String> sha256) implements TlsPolicy {
        /** Copies and normalises the digests; colons between octets are left out. */
        public Fingerprint {
            sha256 = sha256.stream().map(Fingerprint::digest).collect(Collectors.toUnmodifiableSet());
            if (sha256.isEmpty()) {
                throw new IllegalArgumentException("sha256: [] (expected: at least one)");
            }
        }

        private static String digest(String text) {
            String digits = text.replace(":", "").toLowerCase(Locale.ROOT);
            if (!digits.matches("[0-9a-f]{64}")) {
                throw new IllegalArgumentException(
                        "sha256: " + (text.length() > 100 ? text.substring(0, 100) + "…" : text)
                                + " (expected: 64 hexadecimal digits, colons between pairs or not)");
            }
            return digits;
        }
    }

    /**
     * Tells whether mail goes by TLS or not at all.
     *
     * @return true but for {@link None} and {@link May}
     */
    default boolean isDemanded() {
        return !(this instanceof None || this instanceof May);
    }

    /**
     * Tells whether the certificate has to show who the next hop is, as REQUIRETLS asks (RFC 8689 section 4.2.1).
     *
     * @return true for {@link Verify} and {@link Fingerprint}
     */
    default boolean isAuthenticating() {
        return this instanceof Verify || this instanceof Fingerprint;
    }

    /**
     * Returns the policy of clear text.
     *
     * @return {@link None}
     */
    static TlsPolicy none() {
        return new None();
    }

    /**
     * Returns the policy of opportunity.
     *
     * @return {@link May}
     */
    static TlsPolicy may() {
        return new May();
    }

    /**
     * Returns the policy of TLS with any certificate.
     *
     * @return {@link Encrypt}
     */
    static TlsPolicy encrypt() {
        return new Encrypt();
    }

    /**
     * Returns the policy of TLS with a certificate for the next hop's name by an authority that the JDK trusts.
     *
     * @return {@link Verify}, to be changed by its {@code with} methods
     */
    static Verify verify() {
        return new Verify(Set.of(), Set.of());
    }

    /**
     * Returns the policy of TLS with a certificate that is known.
     *
     * @param sha256 the SHA-256 of each that is accepted: 64 hexadecimal digits, colons between pairs or not
     * @return {@link Fingerprint}
     * @throws IllegalArgumentException if there is none, or one is no such digest
     */
    static TlsPolicy fingerprint(String... sha256) {
        return new Fingerprint(new LinkedHashSet<>(Arrays.asList(sha256)));
    }
}
