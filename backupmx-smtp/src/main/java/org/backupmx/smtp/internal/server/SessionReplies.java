package org.backupmx.smtp.internal.server;

import org.backupmx.intake.Verdict;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.internal.codec.SyntaxError;

/** What is said to a client: each reply, counted against the client where it leads to no message. */
final class SessionReplies {

    private final SmtpServerSession session;
    private final SmtpLimits limits;
    private final SessionOutput output;
    private final SessionLog log;
    private int mostBadCommands;
    private int badCommands;
    private int idleCommands;

    SessionReplies(SmtpServerSession session, SmtpLimits limits, SessionOutput output, SessionLog log) {
        this.session = session;
        this.limits = limits;
        this.mostBadCommands = limits.badCommands();
        this.output = output;
        this.log = log;
    }

    void say(FixedReply reply) {
        log.reply(reply.reply());
        output.add(reply);
    }

    void say(SmtpReply reply) {
        log.reply(reply);
        output.add(reply);
    }

    /** Says the last reply. */
    void leave(FixedReply reply) {
        say(reply);
        session.leave();
    }

    /** Says the last reply. */
    void leave(SmtpReply reply) {
        say(reply);
        session.leave();
    }

    /** Counts a command that leads to no message; false when it was one too many and the session is over. */
    boolean idle() {
        if (++idleCommands > limits.idleCommands()) {
            leave(FixedReply.TOO_MANY_IDLE);
            return false;
        }
        return true;
    }

    /** Counts and says. */
    void idle(FixedReply reply) {
        if (idle()) {
            say(reply);
        }
    }

    /** Says the reply of a verdict other than acceptance. */
    void refuse(Verdict verdict) {
        if (verdict instanceof Verdict.Disconnect) {
            leave(verdict.reply());
        } else if (idle()) {
            say(verdict.reply());
        }
    }

    /** Counts idle commands anew; a message was taken. */
    void forgetIdle() {
        idleCommands = 0;
    }

    /** Lets {@code more} bad commands, at most, end the session. */
    void allowFewBad(int more) {
        mostBadCommands = Math.min(mostBadCommands, badCommands + more);
    }

    /** Refuses a command that no client with sense sends. */
    void bad(FixedReply reply) {
        if (!isOneTooMany()) {
            say(reply);
        }
    }

    /** Refuses a command that no client with sense sends. */
    void bad(SyntaxError error) {
        if (!isOneTooMany()) {
            say(error.reply());
        }
    }

    private boolean isOneTooMany() {
        session.waitFromNow();
        if (++badCommands >= mostBadCommands) {
            leave(FixedReply.TOO_MANY_BAD);
            return true;
        }
        return false;
    }
}
