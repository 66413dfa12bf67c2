package org.backupmx.smtp.testing;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.backupmx.relay.ClientCertificate;

/** An authority and what it makes. */
public final class TestCertificates {

    private final X509Bundle authority;

    /** Makes an authority. */
    public TestCertificates() throws Exception {
        authority = new CertificateBuilder()
                .subject("CN=Test authority")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
    }

    /** Its certificate. */
    public Set<X509Certificate> authorities() {
        return Set.of(authority.getCertificate());
    }

    /** Issues what the builder describes. */
    public X509Bundle issue(CertificateBuilder builder) throws Exception {
        return builder.buildIssuedBy(authority);
    }

    /** Issues a certificate for DNS names. */
    public X509Bundle forNames(String... names) throws Exception {
        CertificateBuilder builder = new CertificateBuilder().subject("CN=somebody.test");
        return issue(builder.addExtensionOctetString("2.5.29.17", false, alternativeNames(names)));
    }

    /** By hand, as the builder takes no stars (RFC 5280 section 4.2.1.6). */
    private static byte[] alternativeNames(String... names) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (String name : names) {
            content.write(0x82);
            content.write(name.length());
            content.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
        }
        ByteArrayOutputStream sequence = new ByteArrayOutputStream();
        sequence.write(0x30);
        sequence.write(content.size()); // less than 128
        sequence.writeBytes(content.toByteArray());
        return sequence.toByteArray();
    }

    /** What a server does TLS with; clients are trusted if the authority made them. */
    public SSLContext server(X509Bundle bundle) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                bundle.toKeyManagerFactory().getKeyManagers(), new TrustManager[] {authority.toTrustManager()}, null);
        return context;
    }

    /** A certificate for clients. */
    public ClientCertificate client(X509Bundle bundle) {
        return ClientCertificate.of(
                List.of(bundle.getCertificate()), bundle.getKeyPair().getPrivate());
    }

    /** The SHA-256 of a certificate. */
    public static String sha256(X509Bundle bundle) throws Exception {
        return HexFormat.ofDelimiter(":")
                .withUpperCase()
                .formatHex(MessageDigest.getInstance("SHA-256")
                        .digest(bundle.getCertificate().getEncoded()));
    }

    /** What a client does TLS with that trusts anybody. */
    public static SSLContext trustingClient() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                null,
                new TrustManager[] {
                    new X509TrustManager() {
                        @Override
                        public void checkClientTrusted(X509Certificate[] chain, String type) {}

                        @Override
                        public void checkServerTrusted(X509Certificate[] chain, String type) {}

                        @Override
                        public X509Certificate[] getAcceptedIssuers() {
                            return new X509Certificate[0];
                        }
                    }
                },
                null);
        return context;
    }
}
