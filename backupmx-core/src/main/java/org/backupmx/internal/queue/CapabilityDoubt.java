package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ReplyClass;
import org.jspecify.annotations.Nullable;

/**
 * Whether a primary is believed that refuses a message for good because of what it cannot do. The message was accepted since
 * the primary could, or was not known not to, and a server that has come back half configured can again tomorrow. So such a
 * refusal is for now only, until it has gone on for {@link #PATIENCE} with the same answer to EHLO. Thread-safe.
 */
final class CapabilityDoubt {

    /** How long such refusals are not believed: a day, for somebody to see to it. */
    static final Duration PATIENCE = Duration.ofHours(24);

    /** After so long without any, they begin anew. */
    static final Duration QUIET = Duration.ofDays(2);

    /** What it is that the primary cannot do. */
    enum Lack {
        SIZE,
        SMTPUTF8,
        REQUIRETLS;

        /** Returns what a permanent reply says the primary cannot do; empty if it is about something else. */
        static Optional<Lack> of(SmtpReply reply) {
            if (!reply.isPermanent()) {
                return Optional.empty();
            }
            int subject = reply.enhanced().map(EnhancedStatusCode::subject).orElse(0);
            int detail = reply.enhanced().map(EnhancedStatusCode::detail).orElse(0);
            if (isOfRequireTls(reply)) {
                return Optional.of(REQUIRETLS);
            }
            // RFC 6531 has 5.6.7 for addresses and 5.6.9 for header sections
            boolean isUtf8 = subject == 6 && (detail == 7 || detail == 9)
                    || String.join(" ", reply.lines()).toUpperCase(Locale.ROOT).contains("SMTPUTF8");
            if (isUtf8) {
                return Optional.of(SMTPUTF8);
            }
            // a limit of one mailbox (5.2.3) is no word about the primary
            boolean isSize = subject == 3 && detail == 4
                    || subject != 2 && reply.code() == 552 && ReplyClass.of(reply) == ReplyClass.SIZE;
            return isSize ? Optional.of(SIZE) : Optional.empty();
        }

        /** Tells whether a permanent reply says that REQUIRETLS is not offered (RFC 8689 section 4.2.1): a primary's, or our client's. */
        static boolean isOfRequireTls(SmtpReply reply) {
            return reply.isPermanent()
                    && (reply.enhanced()
                                    .map(code -> code.subject() == 7 && code.detail() == 30)
                                    .orElse(false)
                            || String.join(" ", reply.lines())
                                    .toUpperCase(Locale.ROOT)
                                    .contains("REQUIRETLS"));
        }
    }

    /**
     * What is made of a refusal.
     *
     * @param isBelieved whether it is for good
     * @param isFirst whether it is the first of its kind since the answer to EHLO was another
     * @param until until when such refusals are not believed
     */
    record Judgement(boolean isBelieved, boolean isFirst, Instant until) {}

    private static final class Spell {
        final Instant since;
        Instant last;

        Spell(Instant since) {
            this.since = since;
            this.last = since;
        }
    }

    private final Map<Lack, Spell> spells = new EnumMap<>(Lack.class); // guarded by this
    private LimitsJournal.@Nullable Answer answer; // guarded by this

    /** Takes what the primary says of itself; if that is news, what it refused before counts no more. */
    synchronized void answered(LimitsJournal.Answer now) {
        if (answer != null && !answer.isSame(now)) {
            spells.clear();
        }
        answer = now;
    }

    /** Judges a refusal. */
    synchronized Judgement refused(Lack lack, Instant now) {
        Spell spell = spells.get(lack);
        boolean isFirst = spell == null || spell.last.plus(QUIET).isBefore(now);
        if (spell == null || isFirst) {
            spell = new Spell(now);
            spells.put(lack, spell);
        }
        spell.last = now;
        Instant until = spell.since.plus(PATIENCE);
        return new Judgement(!until.isAfter(now), isFirst, until);
    }
}
