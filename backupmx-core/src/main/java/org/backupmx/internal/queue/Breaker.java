package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ReplyClass;
import org.jspecify.annotations.Nullable;

/**
 * Whether a domain's primary is believed when it refuses a recipient for good. One that has come back half, without its
 * list of recipients or with a wrong one, refuses who it would take an hour later.
 *
 * <ul>
 *   <li>After an outage, and after our start, nothing is believed until {@value #ACCEPTED} recipients were taken; refusals
 *       that are about the recipient or the message alone also after {@link #TRIAL} without an outage.
 *   <li>A recipient that was taken before is not believed to be unknown the first time.
 *   <li>The same words to more than 30 % of the last {@value #LAST} recipients, at least {@value #SAME}, open the breaker.
 * </ul>
 *
 * <p>While it is open nothing is attempted but a few canaries from time to time. One that is taken closes it. Words that
 * go on although {@value #ACCEPTED} others were taken since are believed for a day: they are about their recipients. Role
 * mailboxes count for nothing, for servers take them without looking.
 *
 * <p>Thread-safe.
 */
final class Breaker {

    /** So many recipients that were taken show that the primary is itself again. */
    static final int ACCEPTED = 3;

    /** After so long without an outage a primary that takes nobody may still be right about a recipient. */
    static final Duration TRIAL = Duration.ofHours(1);

    /** The outcomes that are looked back at. */
    static final int LAST = 20;

    /** The fewest refusals in the same words that open the breaker. */
    static final int SAME = 5;

    /** From the opening to the first canary, and from one to the next. */
    static final Duration CANARY_AFTER = Duration.ofMinutes(10);

    private static final double PART = 0.3;
    private static final Duration BELIEF = Duration.ofDays(1);
    private static final int MOST_BELIEFS = 100;
    private static final String TAKEN = "";
    private static final Set<String> ROLES = Set.of("postmaster", "abuse", "mailer-daemon");

    /** What changed. */
    enum Change {
        NONE,
        OPENED,
        CLOSED,
        /** What was not believed may be tried again. */
        TRUSTED
    }

    private final KnownRecipientMemory known;

    private final Map<ForwardPath, String> last = new LinkedHashMap<>(); // the words, or TAKEN; guarded by this
    private final Map<String, Instant> believed = new HashMap<>(); // until when; guarded by this
    private int accepted; // since the outage; guarded by this
    private @Nullable String doubtedWords; // that opened it the last time; guarded by this
    private int acceptedSince; // it opened with those words; guarded by this
    private boolean hasDoubted; // something was not believed since; guarded by this
    private Instant since; // of the outage's end, or our start; guarded by this
    private @Nullable SmtpReply reply; // that opened it; guarded by this
    private Instant nextCanary = Instant.MAX; // guarded by this

    Breaker(KnownRecipientMemory known, Instant now) {
        this.known = known;
        this.since = now;
    }

    /** Takes the end of an outage: the primary has to show again that it is itself. */
    synchronized void outageEnded(Instant now) {
        accepted = 0;
        since = now;
        hasDoubted = false;
        last.clear();
        doubtedWords = null;
    }

    /** Takes a recipient that was taken. */
    synchronized Change taken(ForwardPath recipient, Instant now) {
        if (isRole(recipient)) {
            return Change.NONE;
        }
        known.taken(recipient);
        note(recipient, TAKEN);
        accepted = Math.min(accepted + 1, ACCEPTED);
        if (doubtedWords != null && ++acceptedSince == ACCEPTED) {
            believe(doubtedWords, now);
        }
        if (reply != null) {
            close();
            return Change.CLOSED;
        }
        if (accepted == ACCEPTED && hasDoubted) {
            hasDoubted = false;
            return Change.TRUSTED;
        }
        return Change.NONE;
    }

    private static boolean isRole(ForwardPath recipient) {
        return ROLES.contains(recipient.mailbox().localPart().toLowerCase(Locale.ROOT));
    }

    /** What is made of a refusal. */
    record Judgement(boolean isBelieved, Change change) {
        static final Judgement DOUBTED = new Judgement(false, Change.NONE);
    }

    /** Judges a refusal for good. */
    synchronized Judgement refused(ForwardPath recipient, SmtpReply refusal, Instant now) {
        String words = RefusalText.of(refusal);
        ReplyClass about = ReplyClass.of(refusal);
        note(recipient, words);
        if (reply != null) {
            nextCanary = now.plus(CANARY_AFTER);
            return doubted(Change.NONE);
        }
        if (about == ReplyClass.UNKNOWN_USER && known.forgets(recipient)) {
            return accepted < ACCEPTED ? opened(refusal, now) : doubted(Change.NONE);
        }
        if (believed.getOrDefault(words, Instant.MIN).isAfter(now)) {
            return new Judgement(true, Change.NONE);
        }
        long same = last.values().stream().filter(words::equals).count();
        if (same >= SAME && same > PART * last.size()) {
            return opened(refusal, now);
        }
        boolean isAboutItself = switch (about) {
            case UNKNOWN_USER, FULL, SIZE, SPAM -> true;
            default -> false;
        };
        boolean isTrusted =
                accepted == ACCEPTED || isAboutItself && !since.plus(TRIAL).isAfter(now);
        return isTrusted ? new Judgement(true, Change.NONE) : doubted(Change.NONE);
    }

    private Judgement doubted(Change change) {
        hasDoubted = true;
        return new Judgement(false, change);
    }

    private Judgement opened(SmtpReply refusal, Instant now) {
        reply = refusal;
        nextCanary = now.plus(CANARY_AFTER);
        String words = RefusalText.of(refusal);
        if (!words.equals(doubtedWords)) {
            doubtedWords = words;
            acceptedSince = 0;
        }
        return doubted(Change.OPENED);
    }

    /** Believes the primary from now on, as an operator wants it to be; returns whether it was not believed before. */
    synchronized boolean believe(Instant now) {
        boolean wasDoubted = reply != null || hasDoubted;
        if (reply != null) {
            believe(RefusalText.of(reply), now);
        }
        accepted = ACCEPTED;
        hasDoubted = false;
        close();
        return wasDoubted;
    }

    private void believe(String words, Instant now) {
        if (believed.size() == MOST_BELIEFS) {
            believed.clear();
        }
        believed.put(words, now.plus(BELIEF));
        doubtedWords = null;
    }

    private void close() {
        reply = null;
        nextCanary = Instant.MAX;
        last.clear();
    }

    /** A recipient counts once, however often it is tried. */
    private void note(ForwardPath recipient, String what) {
        last.remove(recipient);
        if (last.size() == LAST) {
            var oldest = last.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        last.put(recipient, what);
    }

    /** Returns the reply that opened it, empty while it is closed. */
    synchronized Optional<SmtpReply> open() {
        return Optional.ofNullable(reply);
    }

    /** Returns when the next canary may go, {@link Instant#MAX} while the breaker is closed. */
    synchronized Instant nextCanary() {
        return nextCanary;
    }

    /** Takes canaries that go; the next ones go later. */
    synchronized void canariesGo(Instant now) {
        nextCanary = now.plus(CANARY_AFTER);
    }

    /** The clock was set back: the next canary goes as if the last had just gone. */
    synchronized void clockSetBack(Instant now) {
        if (reply != null) {
            nextCanary = now.plus(CANARY_AFTER);
        }
    }

    /** Tells whether the primary has to show that it is itself: recipients known to be good go first. */
    synchronized boolean isTrying() {
        return accepted < ACCEPTED;
    }
}
