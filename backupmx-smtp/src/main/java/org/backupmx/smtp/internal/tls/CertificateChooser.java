package org.backupmx.smtp.internal.tls;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a certificate by the server name that a client asks for (RFC 6066 section 3): one made for that name, else one
 * with a wildcard for it, else the default, which is the first. Mail clients often name nobody, or a domain instead of a
 * host; they are never sent away for it. Immutable and thread-safe.
 *
 * <p>Certificates of one name with keys of two kinds are chosen from by what the client can verify.
 */
final class CertificateChooser extends X509ExtendedKeyManager {

    private final List<ServerCertificate> certificates;
    private final List<ServerCertificate> defaults;

    CertificateChooser(List<ServerCertificate> certificates) {
        this.certificates = List.copyOf(certificates);
        ServerCertificate first = certificates.get(0);
        this.defaults = this.certificates.stream()
                .filter(certificate -> certificate.sharesNameWith(first))
                .toList();
    }

    @Override
    public @Nullable String chooseEngineServerAlias(String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
        String alias = alias(candidates(engine), keyType);
        if (alias == null && keyType.equals("RSA") && isTls12(engine)) {
            // TLS 1.2 asks for RSA last, when the client has no suite for another kind of key: any is better than none
            alias = alias(defaults, keyType);
            return alias == null ? alias(certificates, keyType) : alias;
        }
        return alias;
    }

    private @Nullable String alias(List<ServerCertificate> candidates, String keyType) {
        for (ServerCertificate candidate : candidates) {
            if (candidate.keyType().equals(keyType)) {
                return Integer.toString(certificates.indexOf(candidate));
            }
        }
        return null;
    }

    private static boolean isTls12(SSLEngine engine) {
        SSLSession session = engine.getHandshakeSession();
        return session != null && session.getProtocol().equals("TLSv1.2");
    }

    /** The certificates of the best kind of match among which there is one that the client can verify. */
    private List<ServerCertificate> candidates(SSLEngine engine) {
        if (!(engine.getHandshakeSession() instanceof ExtendedSSLSession session)) {
            return defaults;
        }
        for (SNIServerName name : session.getRequestedServerNames()) {
            if (name instanceof SNIHostName hostName) {
                String host = hostName.getAsciiName().toLowerCase(Locale.ROOT);
                List<ServerCertificate> exact = certificates.stream()
                        .filter(certificate -> certificate.names(host))
                        .toList();
                if (isUsable(exact, session)) {
                    return exact;
                }
                List<ServerCertificate> wild = certificates.stream()
                        .filter(certificate -> certificate.coversByWildcard(host))
                        .toList();
                if (isUsable(wild, session)) {
                    return wild;
                }
            }
        }
        return isUsable(defaults, session) ? defaults : certificates;
    }

    private static boolean isUsable(List<ServerCertificate> candidates, ExtendedSSLSession session) {
        for (ServerCertificate candidate : candidates) {
            for (String algorithm : session.getPeerSupportedSignatureAlgorithms()) {
                if (verifies(algorithm, candidate.keyType())) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean verifies(String signatureAlgorithm, String keyType) {
        return switch (keyType) {
            case "RSA" -> signatureAlgorithm.endsWith("withRSA") || signatureAlgorithm.equals("RSASSA-PSS");
            case "EC" -> signatureAlgorithm.endsWith("withECDSA");
            default -> signatureAlgorithm.startsWith("Ed") || signatureAlgorithm.equals(keyType);
        };
    }

    private @Nullable ServerCertificate certificate(@Nullable String alias) {
        return alias == null ? null : certificates.get(Integer.parseInt(alias));
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(@Nullable String alias) {
        ServerCertificate certificate = certificate(alias);
        return certificate == null ? null : certificate.chain();
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(@Nullable String alias) {
        ServerCertificate certificate = certificate(alias);
        return certificate == null ? null : certificate.key();
    }

    // ---- not asked of a server on an engine ----

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return null;
    }

    @Override
    public @Nullable String chooseServerAlias(String keyType, Principal @Nullable [] issuers, Socket socket) {
        return null;
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
        return null;
    }

    @Override
    public @Nullable String chooseClientAlias(String[] keyTypes, Principal @Nullable [] issuers, Socket socket) {
        return null;
    }
}
