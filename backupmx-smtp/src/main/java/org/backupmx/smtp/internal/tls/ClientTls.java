package org.backupmx.smtp.internal.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.Socket;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.X509ExtendedTrustManager;
import org.backupmx.relay.ClientCertificate;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.TlsPolicy;
import org.jspecify.annotations.Nullable;

/**
 * TLS of a running client: makes the handler of each handshake, and judges what came of it. Thread-safe.
 *
 * <p>TLS 1.2 and 1.3, by the JDK's provider. A handshake takes any certificate, for most mail would else go in clear text;
 * where more is demanded, {@link #fault} is asked before anything is said inside.
 */
public final class ClientTls {

    /** How long a farewell inside TLS may take on a socket that takes no more: nobody waits for it. */
    private static final int CLOSE_MILLIS = 1000;

    /** The most certificates of ours that are kept ready. */
    private static final int MOST_CONTEXTS = 1000;

    private final SslContext context;
    private final CertificateCheck check = new CertificateCheck();
    private final Map<ClientCertificate, SslContext> ours = new LinkedHashMap<>(); // guarded by itself

    private ClientTls(SslContext context) {
        this.context = context;
    }

    /**
     * Sets TLS up, which takes the JDK a moment: not for an event loop.
     *
     * @throws IOException if this JDK has none
     */
    public static ClientTls create() throws IOException {
        return new ClientTls(newContext(null));
    }

    private static SslContext newContext(@Nullable ClientCertificate certificate) throws SSLException {
        SslContextBuilder builder = SslContextBuilder.forClient()
                .sslProvider(SslProvider.JDK)
                .protocols("TLSv1.3", "TLSv1.2")
                .trustManager(new AnyCertificate())
                .endpointIdentificationAlgorithm(null);
        if (certificate != null) {
            builder.keyManager(certificate.key(), certificate.chain());
        }
        return builder.build();
    }

    /**
     * Gets ready for handshakes with a certificate of ours. Takes a moment the first time: not for an event loop.
     *
     * @throws IOException if the JDK cannot use the certificate
     */
    public void prepare(ClientCertificate certificate) throws IOException {
        synchronized (ours) {
            if (!ours.containsKey(certificate)) {
                ours.put(certificate, newContext(certificate));
                if (ours.size() > MOST_CONTEXTS) {
                    ours.remove(ours.keySet().iterator().next());
                }
            }
        }
    }

    private SslContext context(Optional<ClientCertificate> certificate) {
        synchronized (ours) {
            return certificate.map(ours::get).orElse(context);
        }
    }

    /**
     * Tells whether the certificate shown in a handshake meets a policy. Not for an event loop.
     *
     * @param host the name of the next hop
     * @return why not, as one line of printable ASCII; empty if it does
     */
    public Optional<String> fault(TlsPolicy policy, String host, SSLSession session) {
        try {
            X509Certificate[] chain = Arrays.stream(session.getPeerCertificates())
                    .map(X509Certificate.class::cast)
                    .toArray(X509Certificate[]::new);
            return check.fault(policy, host, chain);
        } catch (SSLPeerUnverifiedException e) {
            return Optional.of("there is none");
        }
    }

    /**
     * Makes the handler of one connection. Its handshake is not timed: the dialogue does that. No session is resumed, so
     * that the certificate is always the one that the server has now.
     *
     * @param host the name to ask for (SNI, RFC 6066 section 3); an address is not sent
     * @param certificate ours, for a server that asks; {@link #prepare} was called with it
     */
    public SslHandler handler(ByteBufAllocator alloc, String host, Optional<ClientCertificate> certificate) {
        SslHandler handler = context(certificate).newHandler(alloc);
        SSLEngine engine = handler.engine();
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setServerNames(serverName(host));
        engine.setSSLParameters(parameters);
        handler.setHandshakeTimeoutMillis(0);
        handler.setCloseNotifyFlushTimeoutMillis(CLOSE_MILLIS);
        return handler;
    }

    private static List<SNIServerName> serverName(String host) {
        if (NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host)) {
            return List.of();
        }
        try {
            return List.of(new SNIHostName(host));
        } catch (IllegalArgumentException e) {
            return List.of(); // a name that DNS has and TLS has not: with an underscore
        }
    }

    /** Returns what a handshake agreed on. */
    public static PrimaryCapabilities.Tls agreed(SSLSession session) throws SSLPeerUnverifiedException {
        X509Certificate leaf = (X509Certificate) session.getPeerCertificates()[0];
        return new PrimaryCapabilities.Tls(
                session.getProtocol(),
                session.getCipherSuite(),
                leaf.getNotAfter().toInstant());
    }

    /** Takes any chain; being an extended one, it is not wrapped by the JDK in checks of its own. */
    private static final class AnyCertificate extends X509ExtendedTrustManager {
        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {
            throw new AssertionError("a client has no clients");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {
            throw new AssertionError("a client has no clients");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
            throw new AssertionError("a client has no clients");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
