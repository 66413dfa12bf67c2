package org.backupmx.smtp.internal.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;

/**
 * The two files of a certificate; they may be one and the same.
 *
 * @param chain our certificate and those that lead to its root, ours first
 * @param key its private key
 */
public record CertificateFiles(Path chain, Path key) {

    /** What the files hold at one time. */
    record Contents(PemFile chain, PemFile key) {

        /** Tells whether it is the same again, to the octet. */
        boolean sameAs(Contents other) {
            return chain.sameAs(other.chain) && key.sameAs(other.key);
        }
    }

    Contents contents() throws IOException {
        return new Contents(PemFile.read(chain), PemFile.read(key));
    }

    /** Reads the files now. */
    ServerCertificate read() throws IOException {
        return parse(contents());
    }

    /** Makes of the contents what they should be: a chain and the key of its first certificate. */
    ServerCertificate parse(Contents contents) throws CertificateFault {
        List<X509Certificate> certificates = certificates(contents.chain());
        X509Certificate ours = certificates.get(0);
        return new ServerCertificate(
                this, contents, certificates, PrivateKeyPem.read(contents.key(), ours, chain.toString()));
    }

    /** Reads the certificates of a file, at least one. */
    static List<X509Certificate> certificates(PemFile file) throws CertificateFault {
        List<X509Certificate> certificates = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (PemFile.Block block : file.blocks()) {
                if (block.label().equals("CERTIFICATE") || block.label().equals("X509 CERTIFICATE")) {
                    X509Certificate certificate =
                            (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(file.der(block)));
                    certificates.add(certificate);
                }
            }
        } catch (CertificateException e) {
            throw new CertificateFault(file.path() + ": a certificate that cannot be read (expected: X.509)");
        }
        if (certificates.isEmpty()) {
            throw new CertificateFault(file.path() + " (expected: certificates in PEM form)");
        }
        return certificates;
    }
}
