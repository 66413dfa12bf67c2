package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ReplyClass;
import org.backupmx.spool.RecipientState;

/** When a primary that greylists us is tried again (RFC 6647): when it says, for waiting longer helps nobody. */
final class Greylisted {

    /** When it says nothing. */
    static final Duration USUAL = Duration.ofMinutes(5);

    /** What it says is believed in between. */
    static final Duration SHORTEST = Duration.ofSeconds(10);

    static final Duration LONGEST = Duration.ofHours(1);

    /** Who still says so after as many attempts will always say so: then the retry policy counts. */
    static final int ATTEMPTS = 20;

    private static final Pattern SPAN =
            Pattern.compile("(\\d{1,6})\\s?(seconds?|secs?|s|minutes?|mins?|m)\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern CLOCK = Pattern.compile("\\b(\\d{1,3}):(\\d{2}):(\\d{2})\\b");
    private static final int MAX_CHARS = 500;

    private Greylisted() {}

    static boolean is(SmtpReply reply) {
        return reply.isTransient() && ReplyClass.of(reply) == ReplyClass.GREYLIST;
    }

    /**
     * Returns when to try again: as the retry policy has it, or earlier after greylisting.
     *
     * @param before the recipient's state before this reply
     * @param attempts how often its message was attempted before
     */
    static Instant soonest(SmtpReply reply, RecipientState before, int attempts, Instant planned, Instant now) {
        if (!is(reply) || attempts >= ATTEMPTS && before instanceof RecipientState.Deferred last && is(last.reply())) {
            return planned;
        }
        Instant due = now.plus(stated(String.join(" ", reply.lines())));
        return due.isBefore(planned) ? due : planned;
    }

    private static Duration stated(String reply) {
        String text = reply.substring(0, Math.min(reply.length(), MAX_CHARS));
        Matcher clock = CLOCK.matcher(text);
        Matcher span = SPAN.matcher(text);
        Duration stated = USUAL;
        if (clock.find()) { // 00:04:58, as postgrey and others write
            stated = Duration.ofHours(Long.parseLong(clock.group(1)))
                    .plusMinutes(Long.parseLong(clock.group(2)))
                    .plusSeconds(Long.parseLong(clock.group(3)));
        } else if (span.find()) {
            long amount = Long.parseLong(span.group(1));
            boolean isMinutes = span.group(2).toLowerCase(Locale.ROOT).startsWith("m");
            stated = isMinutes ? Duration.ofMinutes(amount) : Duration.ofSeconds(amount);
        }
        // a second later, for their clock may round
        Duration wait = stated.plusSeconds(1);
        return wait.compareTo(SHORTEST) < 0 ? SHORTEST : wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}
