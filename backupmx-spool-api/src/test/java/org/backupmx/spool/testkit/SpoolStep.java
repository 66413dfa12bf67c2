package org.backupmx.spool.testkit;

import java.util.List;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;

/**
 * One step of a random history. A {@code pick} chooses among what there is at that moment, counted round from the
 * newest; a step with
 * nothing to choose from, or that the spool has no interface for, does nothing.
 */
sealed interface SpoolStep {

    /** How one recipient fares. */
    enum Outcome {
        NONE,
        DEFERRED,
        RELAYED,
        FAILED,
        EXPIRED
    }

    /** Begins a message, received a while ago, and writes so many octets. */
    record Begin(Envelope envelope, int ago, int size) implements SpoolStep {}

    /** Writes more octets with an open writer. */
    record Write(int pick, int size) implements SpoolStep {}

    /** Commits an open writer. */
    record Commit(int pick) implements SpoolStep {}

    /** Closes an open writer. */
    record Abandon(int pick) implements SpoolStep {}

    /** Turns the clock. */
    record Advance(int seconds) implements SpoolStep {}

    /** Leases what is due by a while from now, for a while. */
    record Lease(MailDomain domain, int ahead, int seconds, int limit) implements SpoolStep {}

    /** Renews a lease, lost ones included. */
    record Renew(int pick, int seconds) implements SpoolStep {}

    /** Settles a lease, lost ones included. */
    record Settle(int pick, List<Outcome> outcomes, SmtpReply reply, int next, boolean attempt) implements SpoolStep {}

    /** Holds a message. */
    record Hold(int pick) implements SpoolStep {}

    /** Releases a message. */
    record Release(int pick) implements SpoolStep {}

    /** Deletes a message. */
    record Delete(int pick) implements SpoolStep {}

    /** Makes a message due a while from now. */
    record Reschedule(int pick, int ahead) implements SpoolStep {}

    /** Sets a message's attempts to 0 and makes it due a while from now. */
    record Reset(int pick, int ahead) implements SpoolStep {}

    /** Makes a lane due a while from now. */
    record RescheduleLane(MailDomain domain, int ahead) implements SpoolStep {}

    /** Closes the spool and opens its storage again. */
    enum Reopen implements SpoolStep {
        INSTANCE
    }
}
