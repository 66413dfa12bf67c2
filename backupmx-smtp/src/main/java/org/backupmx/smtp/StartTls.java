package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a {@link SmtpServer} needs to offer STARTTLS (RFC 3207): a certificate and its key. TLS 1.2 and 1.3 are spoken,
 * by the JDK's provider. Immutable and thread-safe.
 */
public final class StartTls {

    private static final Pattern PEM =
            Pattern.compile("-----BEGIN ([A-Z ]*PRIVATE KEY)-----\\s*([A-Za-z0-9+/=\\s]+?)-----END");

    private final Path certificateChain;
    private final Path privateKey;

    private StartTls(Path certificateChain, Path privateKey) {
        this.certificateChain = certificateChain;
        this.privateKey = privateKey;
    }

    /**
     * Returns TLS by PEM files, which are read when the server starts.
     *
     * @param certificateChain our certificate and those that lead to its root, ours first
     * @param privateKey its key in PKCS#8, without a password
     * @return TLS by these files
     */
    public static StartTls pem(Path certificateChain, Path privateKey) {
        return new StartTls(
                requireNonNull(certificateChain, "certificateChain"), requireNonNull(privateKey, "privateKey"));
    }

    /**
     * Reads the files and checks that they are a certificate and its key, as the server does when it starts.
     *
     * @throws IOException if one cannot be read, is not what it should be, or they do not belong together; the message
     *     says which and what was expected
     */
    public void check() throws IOException {
        context();
    }

    /** Reads the files. */
    SslContext context() throws IOException {
        X509Certificate[] chain = chain();
        PrivateKey key = key(chain[0]);
        try {
            if (!belongTogether(key, chain[0])) {
                throw new IOException("STARTTLS: " + privateKey + " is another certificate's key (expected: the key of "
                        + certificateChain + ")");
            }
            return SslContextBuilder.forServer(key, chain)
                    .sslProvider(SslProvider.JDK)
                    .protocols("TLSv1.3", "TLSv1.2")
                    .build();
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException("STARTTLS: " + certificateChain + " and " + privateKey + " cannot be used", e);
        }
    }

    private X509Certificate[] chain() throws IOException {
        try (InputStream in = Files.newInputStream(certificateChain)) {
            X509Certificate[] chain = CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                    .map(X509Certificate.class::cast)
                    .toArray(X509Certificate[]::new);
            if (chain.length > 0) {
                return chain;
            }
        } catch (CertificateException e) {
            throw new IOException("STARTTLS: " + certificateChain + " (expected: certificates in PEM form)", e);
        }
        throw new IOException("STARTTLS: " + certificateChain + " (expected: certificates in PEM form)");
    }

    private PrivateKey key(X509Certificate certificate) throws IOException {
        Matcher pem = PEM.matcher(Files.readString(privateKey, StandardCharsets.ISO_8859_1));
        if (!pem.find()) {
            throw new IOException("STARTTLS: " + privateKey + " (expected: a private key in PKCS#8 PEM form)");
        }
        String label = pem.group(1);
        if (!label.equals("PRIVATE KEY")) {
            throw new IOException("STARTTLS: " + privateKey + " holds a " + label
                    + " (expected: PKCS#8 without a password; openssl pkcs8 -topk8 -nocrypt -in KEY makes it)");
        }
        try {
            byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
            return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException(
                    "STARTTLS: " + privateKey + " (expected: the "
                            + certificate.getPublicKey().getAlgorithm() + " key of " + certificateChain + ")",
                    e);
        }
    }

    private static boolean belongTogether(PrivateKey key, X509Certificate certificate) throws GeneralSecurityException {
        String algorithm = key.getAlgorithm();
        Signature signature = Signature.getInstance(
                switch (algorithm) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> algorithm;
                });
        signature.initSign(key);
        signature.update(certificate.getEncoded());
        byte[] signed = signature.sign();
        signature.initVerify(certificate.getPublicKey());
        signature.update(certificate.getEncoded());
        return signature.verify(signed);
    }
}
