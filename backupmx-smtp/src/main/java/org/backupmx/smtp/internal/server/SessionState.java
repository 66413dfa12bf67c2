package org.backupmx.smtp.internal.server;

import static java.util.Objects.requireNonNull;

import org.backupmx.intake.Greeting;
import org.backupmx.intake.IntakeSession;
import org.backupmx.smtp.SmtpLimits;
import org.jspecify.annotations.Nullable;

/** Where a session stands: its phase, what it was welcomed with, its transaction, and since when somebody is waited for. */
final class SessionState {

    enum Phase {
        /** A proxy must say who its client is. */
        PROXY_HEADER,
        CONNECTING,
        /** The greeting was a refusal; QUIT is awaited. */
        REFUSED,
        /** HELO or EHLO is awaited. */
        GREETED,
        READY,
        TRANSACTION,
        MAIL_DATA,
        HANDSHAKE,
        /** The last reply is said. */
        LEAVING,
        GONE
    }

    // connection
    private final LoopSessions loop;
    private @Nullable IntakeSession intake;
    private @Nullable Announcement announcement;
    private long sinceNanos;
    Phase phase = Phase.CONNECTING;
    long maxMessageBytes;
    int maxRecipients;
    boolean secured;
    boolean offersRequireTls; // said so in the last answer to EHLO
    private String tlsProtocol = "";
    private String cipherSuite = "";
    int transactions;

    // transaction
    boolean smtpUtf8;
    int recipients;

    @Nullable
    MailTransfer transfer;

    SessionState(LoopSessions loop, long startedNanos) {
        this.loop = loop;
        this.sinceNanos = startedNanos;
    }

    /** Takes what the intake welcomed the client with. */
    void welcome(Greeting.Welcome welcome, SmtpLimits limits) {
        own(welcome.session());
        announcement = loop.announcement(welcome, limits);
        maxMessageBytes = welcome.maxMessageBytes();
        maxRecipients = welcome.maxRecipients();
        phase = Phase.GREETED;
        if (secured) {
            welcome.session().secured(tlsProtocol, cipherSuite);
        }
    }

    /** Begins anew under TLS. */
    void secured(String protocol, String cipher) {
        secured = true;
        tlsProtocol = protocol;
        cipherSuite = cipher;
        phase = Phase.GREETED;
        intake().secured(protocol, cipher);
    }

    /** Goes back to before the welcome: the client is another one now, or is refused. */
    void forgetWelcome() {
        endTransaction();
        end();
        phase = Phase.CONNECTING;
    }

    /** Takes over what {@link #end} closes. */
    void own(IntakeSession session) {
        intake = session;
    }

    IntakeSession intake() {
        return requireNonNull(intake);
    }

    Announcement announcement() {
        return requireNonNull(announcement);
    }

    MailTransfer transfer() {
        return requireNonNull(transfer);
    }

    /** Forgets our side of a transaction; the intake knows by another way. */
    void endTransaction() {
        transfer = null;
        recipients = 0;
        smtpUtf8 = false;
        if (phase == Phase.TRANSACTION || phase == Phase.MAIL_DATA) {
            phase = Phase.READY;
        }
    }

    /** Tells the intake to forget the message that is under way, if one is. */
    void abandonTransfer() {
        if (transfer != null) {
            transfer.abandon();
        }
    }

    /** Lets go of the intake; its client is gone. */
    void end() {
        transfer = null;
        if (intake != null) {
            IntakeSession ended = intake;
            intake = null;
            ended.close();
        }
    }

    /** Begins to wait: for the client, or for the intake while a question is open. */
    void waitFromNow() {
        sinceNanos = loop.now();
    }

    long waitedNanos() {
        return loop.now() - sinceNanos;
    }
}
