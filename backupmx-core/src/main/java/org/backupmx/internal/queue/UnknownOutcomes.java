package org.backupmx.internal.queue;

import java.util.List;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;

/** The mark of a message that its primary may have: its end was sent, and the reply never came. */
final class UnknownOutcomes {

    private static final String MARK = "Outcome of an attempt unknown: ";

    private UnknownOutcomes() {}

    /** Returns the reply of such an outcome, or of any later one, as it is kept with the recipient. */
    static SmtpReply marked(SmtpReply reply) {
        if (reply.lines().get(0).startsWith(MARK)) {
            return reply;
        }
        return SmtpReply.of(reply.code(), reply.enhanced(), List.of(MARK + String.join(" ", reply.lines())));
    }

    /** Tells whether an attempt of a message ended so for one of its recipients. */
    static boolean has(SpoolLease lease) {
        return lease.recipients().stream().anyMatch(recipient -> is(recipient.state()));
    }

    static boolean is(RecipientState state) {
        return state instanceof RecipientState.Deferred deferred
                && deferred.reply().lines().get(0).startsWith(MARK);
    }
}
