package org.backupmx.internal.queue;

import java.util.Locale;
import java.util.StringTokenizer;
import org.backupmx.mail.SmtpReply;

/** What refusals have in common: a reply without what differs from recipient to recipient. */
final class RefusalText {

    private static final int MAX_CHARS = 400;

    private RefusalText() {}

    /** Returns the code and the words of a reply: no addresses, nothing quoted, nothing with a digit in it. */
    static String of(SmtpReply reply) {
        StringBuilder words = new StringBuilder().append(reply.code());
        reply.enhanced().ifPresent(status -> words.append(' ').append(status));
        String text = String.join(" ", reply.lines());
        StringTokenizer tokens = new StringTokenizer(text.substring(0, Math.min(text.length(), MAX_CHARS)));
        while (tokens.hasMoreTokens()) {
            String token = tokens.nextToken();
            if (token.chars().noneMatch(RefusalText::isOfOne)) {
                words.append(' ').append(token.toLowerCase(Locale.ROOT));
            }
        }
        return words.toString();
    }

    private static boolean isOfOne(int c) {
        return c == '@' || c == '<' || c == '"' || c == '\'' || Character.isDigit(c);
    }
}
