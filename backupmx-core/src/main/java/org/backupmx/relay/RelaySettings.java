package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.backupmx.mail.MailDomain;
import org.jspecify.annotations.Nullable;

/**
 * How we present ourselves to a primary, and what we demand of it: the same for its mail and for its probes. A connection
 * is never used for requests with other settings. Immutable and thread-safe.
 */
public final class RelaySettings {

    private static final RelaySettings DEFAULTS = new RelaySettings(new Parts());

    private final TlsPolicy tls;
    private final @Nullable RelayCredentials credentials;
    private final @Nullable ClientCertificate clientCertificate;
    private final @Nullable Inet4Address sourceV4;
    private final @Nullable Inet6Address sourceV6;
    private final @Nullable String heloName;

    /** What a copy is made from. */
    private static final class Parts {
        TlsPolicy tls = TlsPolicy.may();

        @Nullable
        RelayCredentials credentials;

        @Nullable
        ClientCertificate clientCertificate;

        @Nullable
        Inet4Address sourceV4;

        @Nullable
        Inet6Address sourceV6;

        @Nullable
        String heloName;
    }

    private RelaySettings(Parts parts) {
        this.tls = parts.tls;
        this.credentials = parts.credentials;
        this.clientCertificate = parts.clientCertificate;
        this.sourceV4 = parts.sourceV4;
        this.sourceV6 = parts.sourceV6;
        this.heloName = parts.heloName;
    }

    private RelaySettings with(Consumer<Parts> change) {
        Parts copy = new Parts();
        copy.tls = tls;
        copy.credentials = credentials;
        copy.clientCertificate = clientCertificate;
        copy.sourceV4 = sourceV4;
        copy.sourceV6 = sourceV6;
        copy.heloName = heloName;
        change.accept(copy);
        return new RelaySettings(copy);
    }

    /**
     * Returns the defaults.
     *
     * @return TLS where it is offered, no credentials, no certificate of ours, the system's choice of a source address,
     *     our host name in EHLO
     */
    public static RelaySettings defaults() {
        return DEFAULTS;
    }

    /**
     * Returns these settings with another demand on TLS.
     *
     * @param value the demand; {@link TlsPolicy#may()} unless set
     * @return a copy
     */
    public RelaySettings withTls(TlsPolicy value) {
        requireNonNull(value, "value");
        return with(parts -> parts.tls = value);
    }

    /**
     * Returns these settings with credentials. Every session then authenticates (RFC 4954), by SCRAM-SHA-256 (RFC 7677)
     * where it is offered, else inside TLS by PLAIN (RFC 4616) or LOGIN. A primary that offers none of them, or refuses
     * the credentials, gets no mail: the attempt ends as {@link RelayResult.NoSession}.
     *
     * <p>PLAIN and LOGIN show the password to whoever has the other end of TLS: set {@link TlsPolicy#verify()} or
     * {@link TlsPolicy#fingerprint} too.
     *
     * @param value who we are; nobody unless set
     * @return a copy
     */
    public RelaySettings withCredentials(RelayCredentials value) {
        requireNonNull(value, "value");
        return with(parts -> parts.credentials = value);
    }

    /**
     * Returns these settings with a certificate of ours for primaries that ask for one.
     *
     * @param value the certificate; none unless set
     * @return a copy
     */
    public RelaySettings withClientCertificate(ClientCertificate value) {
        requireNonNull(value, "value");
        return with(parts -> parts.clientCertificate = value);
    }

    /**
     * Returns these settings with the address that connections come from; called once for IPv4 and once for IPv6, each
     * counts for next hops of its kind.
     *
     * @param value an address of this machine; the system's choice unless set
     * @return a copy
     * @throws IllegalArgumentException if no connection can come from it: the wildcard address, multicast
     */
    public RelaySettings withSourceAddress(InetAddress value) {
        requireNonNull(value, "value");
        if (value.isAnyLocalAddress() || value.isMulticastAddress()) {
            throw new IllegalArgumentException(
                    "sourceAddress: " + value.getHostAddress() + " (expected: an address of this machine)");
        }
        return with(parts -> {
            if (value instanceof Inet4Address v4) {
                parts.sourceV4 = v4;
            } else {
                parts.sourceV6 = (Inet6Address) value;
            }
        });
    }

    /**
     * Returns these settings with another name in EHLO and HELO.
     *
     * @param value a host name, best one that the source address leads back to; our host name unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is no host name
     */
    public RelaySettings withHeloName(String value) {
        MailDomain name = MailDomain.of(requireNonNull(value, "value"));
        if (name.isAddressLiteral()) {
            throw new IllegalArgumentException("heloName: " + value + " (expected: a host name)");
        }
        return with(parts -> parts.heloName = name.toString());
    }

    /**
     * Returns what of these settings is for anybody: source addresses and EHLO name, TLS where it is offered. For hosts
     * that are no primary of ours, which must not see credentials.
     *
     * @return a copy without credentials, certificate and demands
     */
    public RelaySettings forStrangers() {
        return with(parts -> {
            parts.tls = TlsPolicy.may();
            parts.credentials = null;
            parts.clientCertificate = null;
        });
    }

    /**
     * Returns the demand on TLS.
     *
     * @return {@link TlsPolicy#may()} unless set
     */
    public TlsPolicy tls() {
        return tls;
    }

    /**
     * Returns who we are.
     *
     * @return the credentials, empty for no authentication
     */
    public Optional<RelayCredentials> credentials() {
        return Optional.ofNullable(credentials);
    }

    /**
     * Returns our certificate.
     *
     * @return the certificate, empty for none
     */
    public Optional<ClientCertificate> clientCertificate() {
        return Optional.ofNullable(clientCertificate);
    }

    /**
     * Returns where a connection to an address comes from.
     *
     * @param nextHop the address it goes to
     * @return an address of the same kind, empty for the system's choice
     */
    public Optional<InetAddress> sourceAddress(InetAddress nextHop) {
        return Optional.ofNullable(nextHop instanceof Inet4Address ? sourceV4 : sourceV6);
    }

    /**
     * Returns the name in EHLO and HELO.
     *
     * @return the name, empty for our host name
     */
    public Optional<String> heloName() {
        return Optional.ofNullable(heloName);
    }

    @Override
    public boolean equals(Object o) {
        return o == this
                || o instanceof RelaySettings other
                        && tls.equals(other.tls)
                        && Objects.equals(credentials, other.credentials)
                        && Objects.equals(clientCertificate, other.clientCertificate)
                        && Objects.equals(sourceV4, other.sourceV4)
                        && Objects.equals(sourceV6, other.sourceV6)
                        && Objects.equals(heloName, other.heloName);
    }

    @Override
    public int hashCode() {
        return Objects.hash(tls, credentials, clientCertificate, sourceV4, sourceV6, heloName);
    }

    /** Returns all of it but what is secret. */
    @Override
    public String toString() {
        return "RelaySettings[tls=" + tls + ", credentials=" + credentials + ", clientCertificate=" + clientCertificate
                + ", source=" + sourceV4 + " " + sourceV6 + ", heloName=" + heloName + "]";
    }
}
