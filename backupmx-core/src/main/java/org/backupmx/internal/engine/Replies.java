package org.backupmx.internal.engine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.backupmx.intake.Verdict;
import org.backupmx.internal.queue.EtrnOutcome;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.SpoolId;

/** Every reply of the intake, in one table: as verdicts, and those of the fast path as completed stages. */
final class Replies {

    static final CompletableFuture<Verdict> HELO_OK = accepted(SmtpReply.of(250, List.of("Hello")));
    static final CompletableFuture<Verdict> SENDER_OK = accepted(SmtpReply.of(250, "2.1.0", "Sender ok"));
    static final CompletableFuture<Verdict> RECIPIENT_OK = accepted(SmtpReply.of(250, "2.1.5", "Recipient ok"));

    static final Verdict FOREIGN = reject(550, "5.7.1", "We do not relay for this domain");
    static final Verdict ROUTED = reject(550, "5.7.1", "We do not relay by a route in the local part");
    static final Verdict UNKNOWN_RECIPIENT = reject(550, "5.1.1", "No such recipient");
    static final Verdict UNSURE_RECIPIENT = defer(450, "4.1.1", "Recipient cannot be verified now, try again later");
    static final Verdict NO_SMTPUTF8 =
            reject(550, "5.6.7", "The primary mail server lacks SMTPUTF8, which the address needs");
    static final Verdict NO_SMTPUTF8_HEADER =
            reject(550, "5.6.9", "The primary mail server lacks SMTPUTF8, which the header section needs");
    static final Verdict OTHER_SMTPUTF8 =
            defer(452, "4.5.3", "Other primary mail server, send to this recipient in another transaction");
    static final Verdict REQUIRETLS_IN_CLEAR = reject(530, "5.7.10", "REQUIRETLS needs TLS, say STARTTLS first");
    static final Verdict NO_REQUIRETLS =
            reject(550, "5.7.30", "REQUIRETLS is not possible on the way to the primary mail server");
    static final Verdict REQUIRETLS_UNKNOWN =
            defer(450, "4.7.30", "Not known now whether the primary mail server offers REQUIRETLS, try again later");
    static final Verdict TOO_LARGE = reject(552, "5.3.4", "Message too large");
    static final Verdict TOO_MANY_RECIPIENTS = defer(452, "4.5.3", "Too many recipients");
    static final Verdict OTHER_SIZE_LIMIT =
            defer(452, "4.5.3", "Other size limit, send to this recipient in another transaction");
    static final Verdict TLS_REQUIRED = defer(451, "4.7.10", "Encryption needed, say STARTTLS first");
    static final Verdict TOO_MUCH_ROLE_MAIL = defer(450, "4.7.28", "Too much mail for this mailbox, try again later");
    static final Verdict DNS_UNAVAILABLE = defer(451, "4.4.3", "No answer of the DNS on this domain, try again later");
    static final Verdict BAD_PARAMETER = reject(501, "5.5.4", "Bad parameter");
    static final Verdict NO_ROOM = defer(452, "4.3.1", "Insufficient storage, try again later");
    static final Verdict LOCAL_FAULT = defer(451, "4.3.0", "Local fault, try again later");
    static final Verdict LOOP = reject(554, "5.4.6", "Too many hops, mail is looping");

    static final Verdict ETRN_TOO_OFTEN = defer(458, "4.7.0", "Asked too often, try again later");
    static final Verdict ETRN_FAULT = defer(458, "4.3.0", "Unable to queue messages now, try again later");

    static final SmtpReply NO_ROOM_AT_ALL = SmtpReply.of(421, "4.3.1", "Insufficient storage, try again later");
    static final SmtpReply CLOSING = SmtpReply.of(421, "4.3.2", "Closing down, try again later");

    private static final Optional<EnhancedStatusCode> ACCEPTED = Optional.of(new EnhancedStatusCode(2, 0, 0));

    private Replies() {}

    static Verdict queued(SpoolId id) {
        return new Verdict.Accept(SmtpReply.of(250, ACCEPTED, List.of("Queued as " + id)));
    }

    static Verdict greylisted(Duration left) {
        long seconds = Math.max(1, left.plusMillis(999).toSeconds());
        return defer(450, "4.7.1", "Greylisted, try again in " + seconds + " seconds");
    }

    static Verdict primaryIsUp(MailDomain domain) {
        return defer(451, "4.3.0", "The primary mail server of " + domain + " is available, please use it");
    }

    /** The codes of RFC 1985 section 5.3. */
    static Verdict etrn(MailDomain domain, EtrnOutcome outcome) {
        return switch (outcome.kind()) {
            case STARTED -> started(253, outcome.messages() + " pending messages for " + domain + " started");
            case PROBED_FIRST -> started(252, "Pending messages for " + domain + " started, with a probe first");
            case NONE_WAITING -> started(251, "No messages waiting for " + domain);
            case HELD -> defer(458, "4.3.0", "All messages for " + domain + " are held here");
            case OUTSIDE_HOURS -> defer(458, "4.3.2", "Messages for " + domain + " wait for the hours set here");
            case PRIMARY_UNKNOWN -> defer(458, "4.4.3", "Look-up of the primary of " + domain + " failed for now");
            case NOT_ALLOWED ->
                defer(459, "4.7.1", "Node " + domain + " not allowed: ask from an address that its mail goes to");
        };
    }

    private static Verdict started(int code, String text) {
        return new Verdict.Accept(SmtpReply.of(code, "2.0.0", text));
    }

    private static CompletableFuture<Verdict> accepted(SmtpReply reply) {
        return CompletableFuture.completedFuture(new Verdict.Accept(reply));
    }

    private static Verdict reject(int code, String enhanced, String text) {
        return new Verdict.Reject(SmtpReply.of(code, enhanced, text));
    }

    private static Verdict defer(int code, String enhanced, String text) {
        return new Verdict.Defer(SmtpReply.of(code, enhanced, text));
    }
}
