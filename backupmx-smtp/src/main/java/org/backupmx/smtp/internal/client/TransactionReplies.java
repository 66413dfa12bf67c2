package org.backupmx.smtp.internal.client;

import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RecipientOutcome;
import org.jspecify.annotations.Nullable;

/**
 * What a next hop answered in one mail transaction, and what that means for each recipient. Belongs to its connection's
 * event loop.
 */
final class TransactionReplies {

    /** Replies about how we speak, not about what we bring: they come from servers that offered what they cannot do. */
    private static final Set<Integer> ABOUT_THE_DIALOGUE = Set.of(500, 502, 503, 504, 555);

    private @Nullable SmtpReply mail;
    private final @Nullable SmtpReply[] rcpts;
    private int answered;
    private int accepted;
    private @Nullable SmtpReply dataRefusal;
    private @Nullable SmtpReply end;
    private @Nullable DialogueFault fault;
    private boolean allSent;

    TransactionReplies(int recipients) {
        this.rcpts = new @Nullable SmtpReply[recipients];
    }

    // ---- what happens

    /** Tells whether the reply decides about its command: not one that announces the end of the connection. */
    static boolean isVerdict(SmtpReply reply) {
        return reply.code() != 421 && (reply.isPositive() || reply.isTransient() || reply.isPermanent());
    }

    void mail(SmtpReply reply) {
        mail = reply;
    }

    void rcpt(SmtpReply reply) {
        rcpts[answered++] = reply;
        if (reply.isPositive() && isPositive(mail)) {
            accepted++;
        }
    }

    /** Takes a reply by which mail data is not wanted, before its end. */
    void dataRefused(SmtpReply reply) {
        if (dataRefusal == null) {
            dataRefusal = reply;
        }
    }

    void end(SmtpReply reply) {
        end = reply;
    }

    /** The socket has taken the end of mail data, and all before it. */
    void allSent() {
        allSent = true;
    }

    void fault(DialogueFault what) {
        fault = what;
    }

    // ---- how it stands

    int answered() {
        return answered;
    }

    /** Returns how many recipients are accepted. */
    int accepted() {
        return accepted;
    }

    private static boolean isPositive(@Nullable SmtpReply reply) {
        return reply != null && reply.isPositive();
    }

    /** Returns why the dialogue ended, if it did. */
    @Nullable
    DialogueFault fault() {
        return fault;
    }

    /** Tells whether MAIL was answered: before that nothing happened at the next hop. */
    boolean isMailAnswered() {
        return mail != null;
    }

    // ---- what came of it

    /** Tells whether the next hop may have taken the message although nobody said so. */
    boolean isUnknown() {
        // 421 in place of a reply to RCPT comes before any to mail data that went with it
        boolean sentAway = fault != null && fault.kind() == DialogueFault.Kind.REFUSED && answered < rcpts.length;
        return allSent && end == null && dataRefusal == null && !sentAway;
    }

    boolean isRelayed() {
        return accepted > 0 && isPositive(end) && dataRefusal == null;
    }

    /** Tells whether a recipient was one too many for this transaction, not refused in itself. */
    boolean isTooMany(int i) {
        SmtpReply reply = rcpts[i];
        return isPositive(mail)
                && reply != null
                && (reply.code() == 452 || reply.code() == 552)
                && reply.enhanced()
                        .map(e -> e.subject() == 5 && e.detail() == 3)
                        .orElse(true);
    }

    /** Returns the verdict that another transaction for the same message would meet again, if there is one. */
    Optional<RecipientOutcome> verdictOfAll() {
        if (mail != null && !mail.isPositive()) {
            return Optional.of(refusal(mail));
        }
        if (dataRefusal != null && dataRefusal.isTransient() && accepted > 0) {
            return Optional.of(refusal(dataRefusal));
        }
        if (end != null && end.isTransient() && accepted > 0) {
            return Optional.of(refusal(end));
        }
        return fault == null ? Optional.empty() : Optional.of(new RecipientOutcome.TransientFailure(fault.reply()));
    }

    RecipientOutcome outcome(int i) {
        SmtpReply rcpt = rcpts[i];
        if (mail != null && !mail.isPositive()) {
            return refusal(mail);
        }
        if (rcpt != null && !rcpt.isPositive()) {
            return refusal(rcpt.code() == 552 ? tooMany(rcpt) : rcpt);
        }
        if (dataRefusal != null) {
            return refusal(dataRefusal);
        }
        if (end != null) {
            return end.isPositive() ? new RecipientOutcome.Relayed(end) : refusal(end);
        }
        if (fault == null) {
            throw new IllegalStateException("transaction: under way (expected: ended)");
        }
        return isUnknown()
                ? new RecipientOutcome.Unknown(fault.outcomeUnknown().reply())
                : new RecipientOutcome.TransientFailure(fault.reply());
    }

    private static RecipientOutcome refusal(SmtpReply reply) {
        if (reply.isTransient()) {
            return new RecipientOutcome.TransientFailure(reply);
        }
        return isAboutTheDialogue(reply)
                ? new RecipientOutcome.TransientFailure(
                        SmtpReply.of(451, "4.5.0", "Next hop does not understand us: " + reply))
                : new RecipientOutcome.PermanentFailure(reply);
    }

    /** A message is innocent of these (RFC 5321 section 4.2.2), so they do not fail it. */
    private static boolean isAboutTheDialogue(SmtpReply reply) {
        boolean protocol = reply.enhanced().map(status -> status.subject() == 5).orElse(false);
        return ABOUT_THE_DIALOGUE.contains(reply.code()) || reply.code() == 501 && protocol;
    }

    /** RFC 5321 section 4.5.3.1.10: 552 to RCPT is to be read as 452. */
    private static SmtpReply tooMany(SmtpReply reply) {
        return SmtpReply.of(
                452, reply.enhanced().map(e -> new EnhancedStatusCode(4, e.subject(), e.detail())), reply.lines());
    }
}
