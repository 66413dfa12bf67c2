package org.backupmx.smtp.internal.client;

import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RelayResult;

/**
 * Why a dialogue ended before its time.
 *
 * @param kind what happened
 * @param reply the next hop's reply if {@code kind} is {@link Kind#REFUSED}, else a 4yz of ours
 */
record DialogueFault(Kind kind, SmtpReply reply) {

    enum Kind {
        /** The next hop said so: a refused greeting, or 421 at any time. */
        REFUSED,
        /** No connection, or it broke. */
        LOST,
        TIMED_OUT,
        /** The next hop does not speak SMTP, or out of turn. */
        MALFORMED,
        /** TLS was wanted and cannot be had. */
        NO_TLS,
        /** Authentication was wanted and cannot be had. */
        NO_AUTH,
        /** The mail data could not be read. */
        UNREADABLE,
        /** We have no socket to connect with, or nothing else that a session needs of us. */
        NO_MEANS,
        /** We are stopping. */
        STOPPED
    }

    static DialogueFault refused(SmtpReply reply) {
        return new DialogueFault(Kind.REFUSED, reply);
    }

    static DialogueFault lost(String when) {
        return new DialogueFault(Kind.LOST, SmtpReply.of(451, "4.4.2", "Connection lost " + when));
    }

    static DialogueFault noConnection(String why) {
        return new DialogueFault(Kind.LOST, SmtpReply.of(451, "4.4.1", why));
    }

    static DialogueFault noSocket() {
        return new DialogueFault(Kind.NO_MEANS, SmtpReply.of(451, "4.3.2", "No socket to connect with"));
    }

    static DialogueFault ours(String what) {
        return new DialogueFault(Kind.NO_MEANS, SmtpReply.of(451, "4.3.5", what));
    }

    static DialogueFault timedOut(String when) {
        return new DialogueFault(Kind.TIMED_OUT, SmtpReply.of(451, "4.4.2", "Timed out " + when));
    }

    static DialogueFault malformed(String what) {
        return new DialogueFault(Kind.MALFORMED, SmtpReply.of(451, "4.5.0", "Protocol error of the next hop: " + what));
    }

    static DialogueFault noTls(String why) {
        return new DialogueFault(Kind.NO_TLS, SmtpReply.of(451, "4.7.5", why));
    }

    static DialogueFault noAuth(String why) {
        return new DialogueFault(Kind.NO_AUTH, SmtpReply.of(451, "4.7.8", why));
    }

    /** About the message (x.6.z): a status of the mail system (x.3.z) would be the next hop's word that it is busy. */
    static DialogueFault unreadable() {
        return new DialogueFault(Kind.UNREADABLE, SmtpReply.of(451, "4.6.0", "Mail data could not be read"));
    }

    static DialogueFault stopped() {
        return new DialogueFault(Kind.STOPPED, SmtpReply.of(421, "4.3.2", "Sending system is stopping"));
    }

    /** Returns this fault after all mail data was sent: the next hop may have taken the message. */
    DialogueFault outcomeUnknown() {
        String text = reason() + " after the end of mail data; outcome unknown";
        return new DialogueFault(kind, SmtpReply.of(451, "4.4.2", text));
    }

    /** Returns what happened as one line for operators. */
    String reason() {
        return kind == Kind.REFUSED ? reply.toString() : reply.lines().get(0);
    }

    /** Returns what it says something about, if there was no session yet. */
    RelayResult.About about() {
        return switch (kind) {
            case REFUSED -> reply.isPermanent() ? RelayResult.About.HOST : RelayResult.About.ADDRESS;
            case LOST, TIMED_OUT, MALFORMED, NO_TLS -> RelayResult.About.ADDRESS;
            case NO_AUTH -> RelayResult.About.HOST;
            case UNREADABLE, NO_MEANS, STOPPED -> RelayResult.About.OURSELVES;
        };
    }
}
