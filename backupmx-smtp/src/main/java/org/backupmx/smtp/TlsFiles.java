package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.Set;
import org.backupmx.relay.ClientCertificate;
import org.backupmx.smtp.internal.tls.ClientPem;

/** Certificates from files in PEM form, for {@link org.backupmx.relay.RelaySettings}. Read once. Thread-safe; blocks. */
public final class TlsFiles {

    private TlsFiles() {}

    /**
     * Reads a certificate of ours with its key. The files may be one and the same.
     *
     * @param certificateChain our certificate and those that lead to its root, ours first
     * @param privateKey its key in PKCS#8, PKCS#1 (RSA) or RFC 5915 (EC) form, without a password
     * @return both
     * @throws IOException if one cannot be read, is not what it should be, or they do not belong together; the message is
     *     one line that says which and what was expected
     */
    public static ClientCertificate clientCertificate(Path certificateChain, Path privateKey) throws IOException {
        return ClientPem.certificate(
                requireNonNull(certificateChain, "certificateChain"), requireNonNull(privateKey, "privateKey"));
    }

    /**
     * Reads the certificates of authorities that are trusted.
     *
     * @param file one or more certificates
     * @return all of them
     * @throws IOException if it cannot be read or holds none; the message is one line
     */
    public static Set<X509Certificate> authorities(Path file) throws IOException {
        return ClientPem.authorities(requireNonNull(file, "file"));
    }
}
