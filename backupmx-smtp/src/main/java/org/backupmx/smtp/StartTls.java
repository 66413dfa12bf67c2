package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.smtp.internal.tls.CertificateFiles;
import org.backupmx.smtp.internal.tls.ServerTls;

/**
 * What a {@link SmtpServer} needs to offer STARTTLS (RFC 3207): certificates and their keys, in PEM files. Immutable and
 * thread-safe.
 *
 * <p>TLS 1.2 and 1.3 are spoken, by the JDK's provider; a renegotiation ends the connection. With several certificates
 * the client's server name (SNI) chooses: one that bears it among its DNS names, else one with a wildcard for it, else
 * the first, which is also for clients that name nobody. Certificates of one name with keys of two kinds, RSA and EC, may
 * stand side by side.
 *
 * <p>The files are read when the server starts, and again every {@link #RELOAD_INTERVAL} while it runs. A chain and key
 * that belong together are taken for the handshakes that follow; what is at fault leaves the old one in use and is logged
 * once. A certificate that is about to expire is logged 30, 7 and 1 days before, then daily.
 */
public final class StartTls {

    /** How often the files are looked at: 20 s. */
    public static final Duration RELOAD_INTERVAL = Duration.ofSeconds(20);

    private final List<CertificateFiles> certificates;
    private final Duration reloadInterval;

    private StartTls(List<CertificateFiles> certificates, Duration reloadInterval) {
        this.certificates = certificates;
        this.reloadInterval = reloadInterval;
    }

    /**
     * Returns TLS with one certificate. The files may be one and the same.
     *
     * @param certificateChain our certificate and those that lead to its root, ours first
     * @param privateKey its key in PKCS#8, PKCS#1 (RSA) or RFC 5915 (EC) form, without a password
     * @return TLS by these files
     */
    public static StartTls pem(Path certificateChain, Path privateKey) {
        return new StartTls(List.of(files(certificateChain, privateKey)), RELOAD_INTERVAL);
    }

    private static CertificateFiles files(Path certificateChain, Path privateKey) {
        return new CertificateFiles(
                requireNonNull(certificateChain, "certificateChain"), requireNonNull(privateKey, "privateKey"));
    }

    /**
     * Adds a certificate, for clients that ask for one of its names.
     *
     * @param certificateChain as for {@link #pem}
     * @param privateKey as for {@link #pem}
     * @return a copy with it
     */
    public StartTls withCertificate(Path certificateChain, Path privateKey) {
        List<CertificateFiles> all = new ArrayList<>(certificates);
        all.add(files(certificateChain, privateKey));
        return new StartTls(List.copyOf(all), reloadInterval);
    }

    /** Sets how often the files are looked at. */
    StartTls reloadInterval(Duration interval) {
        return new StartTls(certificates, interval);
    }

    /**
     * Reads the files and checks that they are certificates and their keys, as the server does when it starts. Blocks.
     *
     * @throws IOException if one cannot be read, is not what it should be, or two do not belong together; the message is
     *     one line that says which and what was expected
     */
    public void check() throws IOException {
        read();
    }

    /** Reads the files. */
    ServerTls read() throws IOException {
        return ServerTls.read(certificates, InstantSource.system());
    }

    Duration reloadInterval() {
        return reloadInterval;
    }
}
