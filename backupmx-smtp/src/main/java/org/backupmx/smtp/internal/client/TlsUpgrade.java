package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.DefaultSmtpRequest;
import io.netty.handler.codec.smtp.SmtpCommand;
import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandler;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.smtp.internal.codec.PeerText;
import org.backupmx.smtp.internal.tls.ClientTls;

/**
 * STARTTLS on a connection whose EHLO was accepted (RFC 3207): the command and the handshake. Belongs to the
 * connection's event loop.
 */
final class TlsUpgrade {

    private static final SmtpRequest START_TLS = new DefaultSmtpRequest(SmtpCommand.valueOf("STARTTLS"));

    private final RelayConnection connection;
    private final SmtpDialogue dialogue;
    private final ClientTls tls;
    private final String host;
    private final Consumer<PrimaryCapabilities.Tls> onSecured;
    private final Consumer<SmtpReply> onRefused;

    /** One of the two is told, or else the dialogue ends with a fault. */
    TlsUpgrade(
            RelayConnection connection,
            ClientTls tls,
            String host,
            Consumer<PrimaryCapabilities.Tls> onSecured,
            Consumer<SmtpReply> onRefused) {
        this.connection = connection;
        this.dialogue = connection.dialogue();
        this.tls = tls;
        this.host = host;
        this.onSecured = onSecured;
        this.onRefused = onRefused;
    }

    void begin() {
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
        SslHandler handler = tls.handler(dialogue.allocator(), host);
        dialogue.extend("in the TLS handshake", connection.timeouts().greeting());
        handler.handshakeFuture().addListener(done -> {
            if (done.isSuccess()) {
                secured(handler);
            } else {
                dialogue.fail(fault(done.cause()));
            }
        });
        dialogue.secure(handler);
    }

    private void secured(SslHandler handler) {
        PrimaryCapabilities.Tls agreed;
        try {
            agreed = ClientTls.agreed(handler.engine().getSession());
        } catch (SSLPeerUnverifiedException e) {
            dialogue.fail(DialogueFault.noTls("TLS without a certificate"));
            return;
        }
        onSecured.accept(agreed);
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
