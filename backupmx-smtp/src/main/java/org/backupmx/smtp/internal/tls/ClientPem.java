package org.backupmx.smtp.internal.tls;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import org.backupmx.relay.ClientCertificate;

/** What a client needs of PEM files. */
public final class ClientPem {

    private ClientPem() {}

    /** Reads a chain and the key of its first certificate. */
    public static ClientCertificate certificate(Path chain, Path key) throws IOException {
        ServerCertificate read = new CertificateFiles(chain, key).read();
        return ClientCertificate.of(List.of(read.chain()), read.key());
    }

    /** Reads certificates. */
    public static Set<X509Certificate> authorities(Path file) throws IOException {
        return Set.copyOf(CertificateFiles.certificates(PemFile.read(file)));
    }
}
