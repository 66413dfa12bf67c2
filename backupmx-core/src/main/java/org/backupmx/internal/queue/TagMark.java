package org.backupmx.internal.queue;

import java.nio.charset.StandardCharsets;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ReplyClass;
import org.backupmx.spool.RecipientState;

/**
 * The mark of a recipient whose message the primary refused for its content, and for whom it goes there once more, with a field on
 * top that says so. It stands in the reply that is kept with him, as {@link RescueMark} does.
 */
final class TagMark {

    /** The name of the field. */
    static final String FIELD = "X-BackupMX-Refused";

    /** The most characters of the refusal that the field has. */
    static final int MAX_CHARS = 400;

    /** RFC 5322 section 2.1.1: what a line should have at most. */
    private static final int LINE = 78;

    private static final String MARK = "Refused, goes once more with a tag: ";
    private static final String ANSWER = "; then: ";

    private TagMark() {}

    /** Tells whether filters at the primary may make something of a tag: not of what is too large. */
    static boolean isWorthIt(SmtpReply refusal) {
        return LostMail.isContentRefusal(refusal) && ReplyClass.of(refusal) != ReplyClass.SIZE;
    }

    /** Returns a refusal as it is kept with a recipient who gets a tag. */
    static SmtpReply marked(SmtpReply refusal) {
        return mark(MARK + cut(AttemptOutcome.text(refusal)));
    }

    /** Returns what is kept after an attempt with the tag that has failed for now. */
    static SmtpReply answered(RecipientState before, SmtpReply answer) {
        return mark(MARK + refusal(before) + ANSWER + AttemptOutcome.text(answer));
    }

    private static SmtpReply mark(String text) {
        return AttemptOutcome.bounded(SmtpReply.of(451, "4.7.1", text));
    }

    private static String cut(String text) {
        return text.substring(0, Math.min(text.length(), MAX_CHARS));
    }

    /** Tells whether a reply bears the mark: a peer's must not. */
    static boolean isMark(SmtpReply reply) {
        return reply.lines().get(0).startsWith(MARK);
    }

    static boolean is(RecipientState state) {
        return state instanceof RecipientState.Deferred deferred && isMark(deferred.reply());
    }

    private static String refusal(RecipientState state) {
        String line = ((RecipientState.Deferred) state).reply().lines().get(0).substring(MARK.length());
        int answer = line.indexOf(ANSWER);
        return answer < 0 ? line : line.substring(0, answer);
    }

    /** Returns the field for a recipient with the mark: printable ASCII, folded, with its line end. */
    static byte[] field(RecipientState state) {
        StringBuilder field = new StringBuilder(FIELD).append(':');
        int column = field.length();
        for (String word : printable(refusal(state)).split(" +", -1)) {
            for (int from = 0; from < word.length(); from += LINE - 1) {
                String part = word.substring(from, Math.min(word.length(), from + LINE - 1));
                if (column + 1 + part.length() > LINE) {
                    field.append("\r\n");
                    column = 0;
                }
                field.append(' ').append(part);
                column += 1 + part.length();
            }
        }
        return field.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static String printable(String text) {
        StringBuilder out = new StringBuilder(text.length());
        cut(text).codePoints().forEach(c -> out.append(c <= ' ' ? ' ' : c < 0x7f ? (char) c : '?'));
        return out.toString();
    }
}
