package org.backupmx.smtp.internal.tls;

import java.security.PrivateKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A certificate of ours with its chain and key, as its files were when it was read. Immutable and thread-safe. */
final class ServerCertificate {

    private static final int DNS_NAME = 2;

    private final CertificateFiles files;
    private final CertificateFiles.Contents contents;
    private final List<X509Certificate> chain;
    private final PrivateKey key;
    private final Set<String> names;

    ServerCertificate(
            CertificateFiles files, CertificateFiles.Contents contents, List<X509Certificate> chain, PrivateKey key)
            throws CertificateFault {
        this.files = files;
        this.contents = contents;
        this.chain = List.copyOf(chain);
        this.key = key;
        this.names = names(files, chain.get(0));
    }

    /** The DNS names of its subject (RFC 5280 section 4.2.1.6), in lower case; addresses are not asked for by name. */
    private static Set<String> names(CertificateFiles files, X509Certificate certificate) throws CertificateFault {
        Set<String> names = new LinkedHashSet<>();
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            if (alternatives != null) {
                for (List<?> alternative : alternatives) {
                    if (alternative.get(0) instanceof Integer type
                            && type == DNS_NAME
                            && alternative.get(1) instanceof String name) {
                        names.add(name.toLowerCase(Locale.ROOT));
                    }
                }
            }
        } catch (CertificateParsingException e) {
            throw new CertificateFault(files.chain() + ": alternative names that cannot be read (expected: DNS names)");
        }
        return names;
    }

    CertificateFiles files() {
        return files;
    }

    CertificateFiles.Contents contents() {
        return contents;
    }

    X509Certificate[] chain() {
        return chain.toArray(X509Certificate[]::new);
    }

    PrivateKey key() {
        return key;
    }

    /** The algorithm of its key by the JDK's name. */
    String keyType() {
        return key.getAlgorithm();
    }

    Set<String> names() {
        return names;
    }

    Instant expiry() {
        return chain.get(0).getNotAfter().toInstant();
    }

    /** Tells whether it was made for exactly this host. */
    boolean names(String host) {
        return names.contains(host);
    }

    /** Tells whether it was made for all hosts beside this one: a star stands for one label (RFC 9525 section 6.3). */
    boolean coversByWildcard(String host) {
        int dot = host.indexOf('.');
        return dot > 0 && names.contains("*" + host.substring(dot));
    }

    /** Tells whether both stand for one host, perhaps by keys of two kinds. */
    boolean sharesNameWith(ServerCertificate other) {
        return this == other || names.stream().anyMatch(other.names::contains);
    }
}
