package org.backupmx.spool.jdbc;

import java.util.List;
import java.util.Optional;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.RecipientState.Deferred;
import org.backupmx.spool.RecipientState.Expired;
import org.backupmx.spool.RecipientState.Failed;
import org.backupmx.spool.RecipientState.Pending;
import org.backupmx.spool.RecipientState.Relayed;
import org.jspecify.annotations.Nullable;

/** Recipient states, to columns and back. The words also stand in {@link Sql}. */
final class States {

    static final String PENDING = "pending";
    private static final String DEFERRED = "deferred";
    private static final String RELAYED = "relayed";
    private static final String FAILED = "failed";
    private static final String EXPIRED = "expired";

    /** The columns; reply and instant have no meaning for a pending recipient. */
    record Row(
            String name,
            int replyCode,
            @Nullable String replyEnhanced,
            @Nullable String replyText,
            long at) {

        /** Returns the state, or throws {@link IllegalArgumentException} if the columns make none. */
        RecipientState state() {
            if (name.equals(PENDING)) {
                return Pending.INSTANCE;
            }
            if (replyText == null) {
                throw new IllegalArgumentException("reply_text: null (expected: a text)");
            }
            SmtpReply reply = SmtpReply.of(
                    replyCode,
                    Optional.ofNullable(replyEnhanced).map(EnhancedStatusCode::parse),
                    List.of(replyText.split("\n", -1)));
            return switch (name) {
                case DEFERRED -> new Deferred(reply, Micros.instant(at));
                case RELAYED -> new Relayed(reply, Micros.instant(at));
                case FAILED -> new Failed(reply, Micros.instant(at));
                case EXPIRED -> new Expired(reply, Micros.instant(at));
                default -> throw new IllegalArgumentException("state: " + name + " (expected: a state's name)");
            };
        }
    }

    private States() {}

    /** Returns the values of state, reply code, enhanced status code, text and instant. */
    static @Nullable Object[] columns(RecipientState state) {
        if (state instanceof Deferred deferred) {
            return columns(DEFERRED, deferred.reply(), Micros.floor(deferred.at()));
        }
        if (state instanceof Relayed relayed) {
            return columns(RELAYED, relayed.reply(), Micros.floor(relayed.at()));
        }
        if (state instanceof Failed failed) {
            return columns(FAILED, failed.reply(), Micros.floor(failed.at()));
        }
        if (state instanceof Expired expired) {
            return columns(EXPIRED, expired.reply(), Micros.floor(expired.at()));
        }
        return new @Nullable Object[] {PENDING, null, null, null, null};
    }

    /** Lines have no control characters but the tab, so a line feed parts them. */
    private static @Nullable Object[] columns(String name, SmtpReply reply, long at) {
        return new @Nullable Object[] {
            name,
            reply.code(),
            reply.enhanced().map(EnhancedStatusCode::toString).orElse(null),
            String.join("\n", reply.lines()),
            at
        };
    }
}
