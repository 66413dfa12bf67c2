package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.DefaultSmtpRequest;
import io.netty.handler.codec.smtp.SmtpCommand;
import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ClientCertificate;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.smtp.internal.codec.PeerText;
import org.backupmx.smtp.internal.tls.ClientTls;

/**
 * STARTTLS on a connection whose EHLO was accepted (RFC 3207): the command, the handshake, and what the policy demands of
 * the certificate. Belongs to the connection's event loop.
 */
final class TlsUpgrade {

    private static final SmtpRequest START_TLS = new DefaultSmtpRequest(SmtpCommand.valueOf("STARTTLS"));

    private final RelayConnection connection;
    private final SmtpDialogue dialogue;
    private final ClientTls tls;
    private final Executor workers;
    private final Optional<ClientCertificate> certificate;
    private final Consumer<PrimaryCapabilities.Tls> onSecured;
    private final Consumer<SmtpReply> onRefused;

    /** One of the two is told, or else the dialogue ends with a fault. */
    TlsUpgrade(
            RelayConnection connection,
            SessionSecurity security,
            Consumer<PrimaryCapabilities.Tls> onSecured,
            Consumer<SmtpReply> onRefused) {
        this.connection = connection;
        this.dialogue = connection.dialogue();
        this.tls = security.tls();
        this.workers = security.workers();
        this.certificate = connection.key().settings().clientCertificate();
        this.onSecured = onSecured;
        this.onRefused = onRefused;
    }

    void begin() {
        if (certificate.isEmpty()) {
            startTls();
            return;
        }
        dialogue.extend("preparing TLS", connection.timeouts().greeting());
        onWorker(() -> {
            try {
                tls.prepare(certificate.get());
                return this::startTls;
            } catch (IOException e) {
                return () -> dialogue.fail(DialogueFault.ours("The client certificate cannot be used"));
            }
        });
    }

    /** Does something that may take a while, and goes on with what it returns. */
    private void onWorker(Supplier<Runnable> work) {
        try {
            workers.execute(() -> {
                Runnable next = work.get();
                connection.loop().execute(() -> {
                    if (!dialogue.isEnded()) {
                        next.run();
                    }
                });
            });
        } catch (RejectedExecutionException e) {
            dialogue.fail(DialogueFault.stopped());
        }
    }

    private void startTls() {
        dialogue.send(START_TLS, connection.timeouts().greeting(), this::answered);
        dialogue.flush();
    }

    private void answered(SmtpReply reply) {
        if (reply.isTransient() || reply.isPermanent()) {
            onRefused.accept(reply);
        } else if (reply.code() != 220) {
            dialogue.fail(DialogueFault.malformed("reply " + reply.code() + " to STARTTLS"));
        } else if (dialogue.hasMoreInput()) {
            // somebody between the server and us may have put it there (RFC 3207 section 6)
            dialogue.fail(DialogueFault.malformed("data after the reply to STARTTLS"));
        } else {
            shakeHands();
        }
    }

    private void shakeHands() {
        SslHandler handler = tls.handler(dialogue.allocator(), connection.key().host(), certificate);
        dialogue.extend("in the TLS handshake", connection.timeouts().greeting());
        handler.handshakeFuture().addListener(done -> {
            if (done.isSuccess()) {
                secured(handler.engine().getSession());
            } else {
                dialogue.fail(fault(done.cause()));
            }
        });
        dialogue.secure(handler);
    }

    private void secured(SSLSession session) {
        PrimaryCapabilities.Tls agreed;
        try {
            agreed = ClientTls.agreed(session);
        } catch (SSLPeerUnverifiedException e) {
            dialogue.fail(DialogueFault.noTls("TLS without a certificate"));
            return;
        }
        if (!connection.key().settings().tls().isDemanded()) {
            onSecured.accept(agreed);
            return;
        }
        dialogue.extend("judging the certificate", connection.timeouts().greeting());
        onWorker(() -> {
            Optional<String> fault = tls.fault(
                    connection.key().settings().tls(), connection.key().host(), session);
            return () -> judged(agreed, fault);
        });
    }

    private void judged(PrimaryCapabilities.Tls agreed, Optional<String> fault) {
        if (fault.isEmpty()) {
            onSecured.accept(agreed);
        } else {
            dialogue.fail(DialogueFault.noTls(
                    "The certificate of " + connection.key().host() + " is not accepted: " + fault.get()));
        }
    }

    private static DialogueFault fault(Throwable cause) {
        if (cause instanceof ClosedChannelException) {
            return DialogueFault.lost("in the TLS handshake");
        }
        // Netty's message quotes all octets that came
        String why = cause instanceof NotSslRecordException ? "no TLS record" : String.valueOf(cause.getMessage());
        byte[] octets = why.getBytes(StandardCharsets.UTF_8);
        return DialogueFault.noTls("TLS handshake failed: " + PeerText.of(octets, 0, octets.length));
    }
}
