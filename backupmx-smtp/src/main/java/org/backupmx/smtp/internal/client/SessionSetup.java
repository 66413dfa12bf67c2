package org.backupmx.smtp.internal.client;

import java.util.function.Consumer;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;

/**
 * Makes a session of a connection whose EHLO was accepted: TLS, EHLO again, AUTH, as the settings have it. Mail and probes
 * come this way alike. Belongs to the connection's event loop.
 */
final class SessionSetup {

    private final RelayConnection connection;
    private final SessionSecurity security;
    private final RelaySettings settings;
    private final Consumer<PrimaryCapabilities.Tls> onTls;
    private final Runnable onReady;
    private final Consumer<DialogueFault> onFault;
    private boolean inTls;

    /** Ready or fault is told, once; TLS before that, if a handshake was made. */
    SessionSetup(
            RelayConnection connection,
            SessionSecurity security,
            Consumer<PrimaryCapabilities.Tls> onTls,
            Runnable onReady,
            Consumer<DialogueFault> onFault) {
        this.connection = connection;
        this.security = security;
        this.settings = connection.key().settings();
        this.onTls = onTls;
        this.onReady = onReady;
        this.onFault = onFault;
    }

    /** Does what the settings have. */
    void begin() {
        TlsPolicy policy = settings.tls();
        if (policy.isDemanded()) {
            insist(reply -> onFault.accept(DialogueFault.noTls("STARTTLS refused: " + reply)));
        } else if (policy instanceof TlsPolicy.May && connection.extensions().startTls() && !isKnownBroken()) {
            upgrade(this::goOnInClear);
        } else {
            authenticate();
        }
    }

    private boolean isKnownBroken() {
        return security.broken()
                .isBroken(BrokenOffers.Offer.STARTTLS, connection.key().address(), connection.now());
    }

    /** Has TLS, whatever the settings have; a reply that refuses it ends the connection and goes to {@code onRefused}. */
    void insist(Consumer<SmtpReply> onRefused) {
        if (connection.extensions().startTls()) {
            upgrade(reply -> {
                connection.quit();
                onRefused.accept(reply);
            });
        } else {
            connection.quit();
            onFault.accept(DialogueFault.noTls("STARTTLS not offered"));
        }
    }

    private void upgrade(Consumer<SmtpReply> onRefused) {
        connection.dialogue().owner(fault -> onFault.accept(inHandshake(fault)), () -> {});
        new TlsUpgrade(connection, security, this::secured, onRefused).begin();
    }

    /** Whoever loses the thread in a handshake cannot do TLS: that is not about the network. */
    private static DialogueFault inHandshake(DialogueFault fault) {
        boolean broke = fault.kind() == DialogueFault.Kind.LOST || fault.kind() == DialogueFault.Kind.TIMED_OUT;
        return broke ? new DialogueFault(DialogueFault.Kind.NO_TLS, fault.reply()) : fault;
    }

    /** RFC 3207 section 4.1: the client decides what a refusal means. */
    private void goOnInClear(SmtpReply refusal) {
        if (refusal.code() == 421) {
            connection.quit();
            onFault.accept(DialogueFault.refused(refusal));
        } else {
            connection.dialogue().owner(onFault, () -> {});
            authenticate();
        }
    }

    private void secured(PrimaryCapabilities.Tls agreed) {
        inTls = true;
        onTls.accept(agreed);
        // with TLS 1.3 it is the answer to this that shows whether our side of the handshake was liked
        connection.ehlo(
                () -> {
                    connection.dialogue().owner(onFault, () -> {});
                    authenticate();
                },
                onFault);
    }

    private void authenticate() {
        if (settings.credentials().isEmpty()) {
            onReady.run();
            return;
        }
        RelayCredentials credentials = settings.credentials().get();
        new Authentication(connection, credentials, inTls, security.workers(), security.nonce(), onReady, onFault)
                .begin();
    }
}
