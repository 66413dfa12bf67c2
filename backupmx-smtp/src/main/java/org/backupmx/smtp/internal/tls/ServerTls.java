package org.backupmx.smtp.internal.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS of a running server: makes the handler of each handshake, from certificates that are read again when their files
 * change. Thread-safe; handshakes under way keep the certificates that they began with.
 *
 * <p>TLS 1.2 and 1.3, by the JDK's provider. Suites with forward secrecy only; those with AEAD come first, and our order
 * counts. The older CBC suites stay: a client that has nothing better would send in clear text.
 */
public final class ServerTls implements Function<ByteBufAllocator, SslHandler>, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ServerTls.class);

    private static final List<String> CIPHER_SUITES = List.of(
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA");

    /** How many sessions of TLS 1.2 are kept for clients without tickets, and for how long. */
    private static final int KEPT_SESSIONS = 1000;

    private static final Duration SESSION_TIME = Duration.ofHours(1);

    private final InstantSource clock;
    private final List<WatchedCertificate> watched = new ArrayList<>(); // guarded by this
    private volatile SslContext context;
    private @Nullable ScheduledExecutorService watch; // guarded by this

    private ServerTls(List<CertificateFiles> files, InstantSource clock) throws IOException {
        this.clock = clock;
        for (CertificateFiles pair : files) {
            watched.add(new WatchedCertificate(pair.read()));
        }
        this.context = newContext(certificates());
    }

    /**
     * Reads the certificates.
     *
     * @param files of each certificate, the default first
     * @param clock tells when a certificate expires
     * @throws IOException if one cannot be read, is not what it should be, or key and certificate do not belong together;
     *     its message is one line that says which file and what was expected
     */
    public static ServerTls read(List<CertificateFiles> files, InstantSource clock) throws IOException {
        return new ServerTls(files, clock);
    }

    private static SslContext newContext(List<ServerCertificate> certificates) throws IOException {
        try {
            return SslContextBuilder.forServer(new CertificateChooser(certificates))
                    .sslProvider(SslProvider.JDK)
                    .protocols("TLSv1.3", "TLSv1.2")
                    .ciphers(CIPHER_SUITES, SupportedCipherSuiteFilter.INSTANCE)
                    .sessionCacheSize(KEPT_SESSIONS)
                    .sessionTimeout(SESSION_TIME.toSeconds())
                    .build();
        } catch (SSLException e) {
            throw new CertificateFault("certificates that the JDK's TLS cannot use: " + e.getMessage());
        }
    }

    /** Makes the handler of one connection. Its handshake is not timed: the session does that. */
    @Override
    public SslHandler apply(ByteBufAllocator alloc) {
        SslHandler handler = context.newHandler(alloc);
        SSLEngine engine = handler.engine();
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setUseCipherSuitesOrder(true);
        engine.setSSLParameters(parameters);
        handler.setHandshakeTimeoutMillis(0);
        return handler;
    }

    /** Looks at the files at every {@code interval} from now on, on a thread of its own, until closed. */
    public synchronized void watch(Duration interval) {
        ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread made = new Thread(work, "backupmx-certificates");
            made.setDaemon(true);
            return made;
        });
        watch = thread;
        thread.scheduleWithFixedDelay(this::lookCalmly, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void lookCalmly() {
        try {
            look();
        } catch (RuntimeException e) {
            log.atError().setCause(e).log("certificates not looked at");
        }
    }

    /**
     * Takes what is new and good; what is not is told once, when it is still there at the next look: a certificate and
     * its key are seldom replaced in the same instant.
     */
    synchronized void look() {
        boolean changed = false;
        for (WatchedCertificate one : watched) {
            changed |= one.look();
            one.tellExpiry(clock.instant());
        }
        if (changed) {
            try {
                context = newContext(certificates());
            } catch (IOException e) {
                log.atWarn().addKeyValue("reason", e.getMessage()).log("certificates not taken");
            }
        }
    }

    /**
     * Reads all files again, now. A certificate that is at fault stays as it was, the others are taken.
     *
     * @throws IOException the first fault
     */
    public synchronized void reload() throws IOException {
        IOException first = null;
        for (WatchedCertificate one : watched) {
            try {
                one.read();
            } catch (IOException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        context = newContext(certificates());
        if (first != null) {
            throw first;
        }
    }

    private List<ServerCertificate> certificates() {
        return watched.stream().map(WatchedCertificate::current).toList();
    }

    /** Looks at the files no more. */
    @Override
    public synchronized void close() {
        if (watch != null) {
            watch.shutdownNow();
        }
    }
}
