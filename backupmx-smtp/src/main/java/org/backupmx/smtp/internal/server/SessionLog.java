package org.backupmx.smtp.internal.server;

import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.internal.codec.PeerText;
import org.backupmx.smtp.internal.codec.SmtpCommandDecoder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the log hears of a session: its faults, and at DEBUG its dialogue, with what the client sent made safe. */
final class SessionLog {

    private static final Logger log = LoggerFactory.getLogger(SmtpServerSession.class);

    private final SmtpServerSession session;

    SessionLog(SmtpServerSession session) {
        this.session = session;
    }

    void command(SmtpCommandDecoder commands) {
        if (log.isDebugEnabled()) {
            log.atDebug()
                    .addKeyValue("client", session.client())
                    .addKeyValue("command", PeerText.of(commands.line(), 0, commands.argumentEnd()))
                    .log("command");
        }
    }

    void reply(SmtpReply reply) {
        if (log.isDebugEnabled()) {
            // a reply of the intake may quote the client
            log.atDebug()
                    .addKeyValue("client", session.client())
                    .addKeyValue("reply", safe(reply.toString()))
                    .log("reply");
        }
    }

    void connectionFailed(Throwable cause) {
        if (log.isDebugEnabled()) {
            // no stack trace: the TLS engine's messages quote the client
            log.atDebug()
                    .addKeyValue("client", session.client())
                    .addKeyValue("reason", safe(cause.toString()))
                    .log("connection failed");
        }
    }

    void handshakeFailed(Throwable cause) {
        handshakeFailed(
                cause instanceof ClosedChannelException ? "connection closed" : String.valueOf(cause.getMessage()));
    }

    void handshakeFailed(String why) {
        log.atInfo()
                .addKeyValue("client", session.client())
                .addKeyValue("reason", safe(why))
                .log("TLS handshake failed");
    }

    private static String safe(String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        return PeerText.of(octets, 0, octets.length);
    }

    void proxyHeaderRefused(String reason) {
        log.atInfo()
                .addKeyValue("client", session.client())
                .addKeyValue("reason", reason)
                .log("proxy turned away");
    }

    void sessionFailed(Throwable cause) {
        log.atWarn().addKeyValue("client", session.client()).setCause(cause).log("session failed");
    }

    void intakeFailed(Question asked, @Nullable Throwable cause) {
        log.atWarn()
                .addKeyValue("client", session.client())
                .addKeyValue("question", asked)
                .setCause(cause)
                .log("intake failed");
    }
}
