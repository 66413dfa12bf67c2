package org.backupmx.smtp.internal.server;

import java.util.List;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.internal.codec.SmtpReplyEncoder;

/** A reply of the engine's own, encoded once. */
final class FixedReply {

    static final FixedReply START_MAIL_INPUT =
            plain(SmtpReply.of(354, List.of("Start mail input; end with <CRLF>.<CRLF>")));
    static final FixedReply CHUNK_TAKEN = of(250, "2.0.0", "Chunk taken");
    static final FixedReply OK = of(250, "2.0.0", "OK");
    static final FixedReply HELP =
            of(214, "2.0.0", "HELO EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY ETRN HELP QUIT STARTTLS");
    static final FixedReply BYE = of(221, "2.0.0", "Bye");
    static final FixedReply CANNOT_VERIFY = of(252, "2.0.0", "Cannot VRFY, but will take mail and try");
    static final FixedReply START_TLS = of(220, "2.0.0", "Ready to start TLS");

    static final FixedReply STOPPING = of(421, "4.3.0", "Service stopping, try again later");
    static final FixedReply NO_SERVICE = of(421, "4.3.0", "Service not available, try again later");
    static final FixedReply FULL = of(421, "4.3.2", "Too many connections, try again later");
    static final FixedReply CLIENT_FULL = of(421, "4.7.0", "Too many connections from you");
    static final FixedReply TOO_MANY_BAD = of(421, "4.7.0", "Too many bad commands");
    static final FixedReply TOO_MANY_IDLE = of(421, "4.7.0", "Too many commands without a message");
    static final FixedReply TOO_MANY_TRANSACTIONS = of(421, "4.7.0", "Too many messages, connect again");
    static final FixedReply TOO_MUCH_DATA = of(421, "4.7.0", "Far too much mail data");
    static final FixedReply ENDLESS_LINE = of(421, "4.7.0", "Endless line");
    static final FixedReply TIMEOUT = of(421, "4.4.2", "Timeout");
    static final FixedReply SESSION_TOO_LONG = of(421, "4.4.2", "Session too long, connect again");

    static final FixedReply FAULT = of(451, "4.3.0", "Local trouble, try again later");
    static final FixedReply TOO_MANY_RECIPIENTS = of(452, "4.5.3", "Too many recipients");

    static final FixedReply UNKNOWN = of(500, "5.5.2", "Command not recognized");
    static final FixedReply MALFORMED = of(500, "5.5.2", "Lines end with CRLF and have no control characters");
    static final FixedReply LINE_TOO_LONG = of(500, "5.5.2", "Line too long");
    static final FixedReply NO_ARGUMENT = of(501, "5.5.4", "No argument allowed");
    static final FixedReply HELO_ARGUMENT = of(501, "5.5.4", "Syntax: EHLO domain-or-address-literal");
    static final FixedReply BDAT_ARGUMENT = of(501, "5.5.4", "Syntax: BDAT octets [LAST]");
    static final FixedReply ETRN_ARGUMENT = of(501, "5.5.4", "Syntax: ETRN domain");
    static final FixedReply VRFY_ARGUMENT = of(501, "5.5.4", "Argument needed");
    static final FixedReply DATA_AFTER_STARTTLS = of(501, "5.5.1", "Nothing may follow STARTTLS");
    static final FixedReply NOT_IMPLEMENTED = of(502, "5.5.1", "Command not implemented");
    static final FixedReply HELO_FIRST = of(503, "5.5.1", "Say EHLO first");
    static final FixedReply NESTED_MAIL = of(503, "5.5.1", "Transaction already begun");
    static final FixedReply MAIL_FIRST = of(503, "5.5.1", "MAIL first");
    static final FixedReply RCPT_FIRST = of(503, "5.5.1", "No valid recipient");
    static final FixedReply BDAT_BEGUN = of(503, "5.5.1", "Go on with BDAT, or RSET");
    static final FixedReply ONLY_QUIT = of(503, "5.5.1", "Refused, say QUIT");
    static final FixedReply NOT_NOW = of(503, "5.5.1", "Not now");
    static final FixedReply REQUIRETLS_IN_CLEAR = of(530, "5.7.10", "REQUIRETLS needs TLS, say STARTTLS first");
    static final FixedReply NO_REQUIRETLS = of(550, "5.7.30", "REQUIRETLS is not offered");
    static final FixedReply TLS_ACTIVE = of(503, "5.5.1", "TLS already active");

    static final FixedReply XCLIENT_ARGUMENT = of(501, "5.5.4", "Bad XCLIENT attribute");
    static final FixedReply NO_MAIL = of(521, "5.3.2", "This host does not accept mail");
    static final FixedReply XCLIENT_REFUSED = of(550, "5.7.0", "XCLIENT is not for you");
    static final FixedReply BARE_LINE_END = of(550, "5.5.2", "Mail data has a bare CR or LF");
    static final FixedReply TOO_BIG = of(552, "5.3.4", "Message too big");
    static final FixedReply EARLY_TALKER = of(554, "5.5.1", "You talk before your turn");
    static final FixedReply DATA_LINE_TOO_LONG = of(554, "5.6.0", "Line of mail data too long");

    private final SmtpReply reply;
    private final byte[] octets;

    private FixedReply(SmtpReply reply, boolean enhanced) {
        this.reply = reply;
        this.octets = SmtpReplyEncoder.bytes(reply, enhanced);
    }

    private static FixedReply of(int code, String enhanced, String text) {
        return new FixedReply(SmtpReply.of(code, enhanced, text), true);
    }

    /** A reply without an enhanced status code. */
    static FixedReply plain(SmtpReply reply) {
        return new FixedReply(reply, false);
    }

    SmtpReply reply() {
        return reply;
    }

    /** This reply as a verdict of refusal. */
    Verdict verdict() {
        return reply.isTransient() ? new Verdict.Defer(reply) : new Verdict.Reject(reply);
    }

    /** The octets on the wire; not to be changed. */
    byte[] octets() {
        return octets;
    }
}
