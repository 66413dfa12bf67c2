package org.backupmx.smtp.internal.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.internal.codec.PeerText;
import org.jspecify.annotations.Nullable;

/**
 * Judges the certificate that a primary has shown in a handshake, before a word is said inside TLS. Thread-safe; not for
 * event loops, as paths of certificates are built and the JDK's authorities are read from a file once.
 */
final class CertificateCheck {

    private static final int DNS_NAME = 2;

    private @Nullable X509TrustManager ofTheJdk; // guarded by this

    CertificateCheck() {}

    /** Returns why a chain does not meet a policy, empty if it does. */
    Optional<String> fault(TlsPolicy policy, String host, X509Certificate[] chain) {
        if (policy instanceof TlsPolicy.Fingerprint known) {
            return known.sha256().contains(sha256(chain[0]))
                    ? Optional.empty()
                    : Optional.of("its SHA-256 is " + sha256(chain[0]) + ", which is not among the known ones");
        }
        return policy instanceof TlsPolicy.Verify verify ? fault(verify, host, chain) : Optional.empty();
    }

    private Optional<String> fault(TlsPolicy.Verify policy, String host, X509Certificate[] chain) {
        Set<String> names = policy.names().isEmpty() ? Set.of(host) : policy.names();
        try {
            trustManager(policy.authorities()).checkServerTrusted(chain, "UNKNOWN");
            return names.stream().anyMatch(name -> covers(chain[0], name))
                    ? Optional.empty()
                    : Optional.of("it is not for " + String.join(", ", names));
        } catch (CertificateException e) {
            return Optional.of("it is not trusted: " + safe(reason(e)));
        } catch (GeneralSecurityException | IOException e) {
            return Optional.of("the trusted authorities cannot be used: " + safe(String.valueOf(e.getMessage())));
        }
    }

    /** The innermost reason: «PKIX path building failed» alone helps nobody. */
    private static String reason(Throwable fault) {
        Throwable inner = fault;
        while (inner.getCause() != null && inner.getCause() != inner) {
            inner = inner.getCause();
        }
        return String.valueOf(inner.getMessage());
    }

    private static String safe(String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        return PeerText.of(octets, 0, octets.length);
    }

    static String sha256(X509Certificate certificate) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has it
        } catch (CertificateException e) {
            throw new IllegalStateException("certificate: cannot be encoded (expected: DER)", e);
        }
    }

    private X509TrustManager trustManager(Set<X509Certificate> authorities)
            throws GeneralSecurityException, IOException {
        if (!authorities.isEmpty()) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            int count = 0;
            for (X509Certificate authority : authorities) {
                store.setCertificateEntry("authority-" + count++, authority);
            }
            return trustManager(store);
        }
        synchronized (this) {
            X509TrustManager known = ofTheJdk;
            if (known == null) {
                known = trustManager((KeyStore) null);
                ofTheJdk = known;
            }
            return known;
        }
    }

    private static X509TrustManager trustManager(@Nullable KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509TrustManager trust) {
                return trust;
            }
        }
        throw new AssertionError("a PKIX factory without X.509");
    }

    /** Tells whether one of the DNS names of a certificate stands for a host. */
    private static boolean covers(X509Certificate certificate, String host) {
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            return alternatives != null
                    && alternatives.stream()
                            .filter(alternative -> Integer.valueOf(DNS_NAME).equals(alternative.get(0)))
                            .anyMatch(alternative -> standsFor(String.valueOf(alternative.get(1)), host));
        } catch (CertificateException e) {
            return false; // names that cannot be read
        }
    }

    /** Tells whether a name stands for a host: by the letter, or with a star as its whole first label (RFC 9525). */
    static boolean standsFor(String dnsName, String host) {
        int dot = host.indexOf('.');
        return dnsName.equalsIgnoreCase(host) || dot > 0 && dnsName.equalsIgnoreCase("*" + host.substring(dot));
    }
}
