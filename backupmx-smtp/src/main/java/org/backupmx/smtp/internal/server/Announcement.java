package org.backupmx.smtp.internal.server;

import java.util.ArrayList;
import java.util.List;
import org.backupmx.intake.Greeting;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.internal.codec.XclientCommand;

/** What we say of ourselves: the banner and the answers to HELO and EHLO. */
final class Announcement {

    private static final int MOST_LIMIT = 999_999;
    private static final String STARTTLS = "STARTTLS";
    private static final String REQUIRETLS = "REQUIRETLS";
    private static final String XCLIENT = XclientCommand.EHLO_LINE;

    private final String hostname;
    private final long maxMessageBytes;
    private final int maxRecipients;
    final FixedReply banner;
    final FixedReply helo;
    private final FixedReply[] ehlo;

    Announcement(Greeting.Welcome welcome, SmtpLimits limits) {
        hostname = welcome.hostname();
        maxMessageBytes = welcome.maxMessageBytes();
        maxRecipients = welcome.maxRecipients();
        banner = FixedReply.plain(SmtpReply.of(220, List.of(hostname + " ESMTP")));
        helo = FixedReply.plain(SmtpReply.of(250, List.of(hostname)));
        List<String> lines = new ArrayList<>(List.of(
                hostname,
                "PIPELINING",
                "SIZE " + maxMessageBytes,
                "8BITMIME",
                "SMTPUTF8",
                "ENHANCEDSTATUSCODES",
                "DSN",
                "CHUNKING",
                "ETRN",
                "LIMITS MAILMAX=" + limit(limits.transactions()) + " RCPTMAX=" + limit(maxRecipients)));
        ehlo = new FixedReply[] {
            ehlo(lines),
            ehlo(lines, STARTTLS),
            ehlo(lines, REQUIRETLS),
            ehlo(lines, XCLIENT),
            ehlo(lines, STARTTLS, XCLIENT),
            ehlo(lines, REQUIRETLS, XCLIENT)
        };
    }

    private static FixedReply ehlo(List<String> lines, String... more) {
        List<String> all = new ArrayList<>(lines);
        all.addAll(List.of(more));
        return FixedReply.plain(SmtpReply.of(250, all));
    }

    /** The answer to EHLO, with what only some are offered: STARTTLS before TLS, REQUIRETLS inside it (RFC 8689 section 2). */
    FixedReply ehlo(boolean startTls, boolean requireTls, boolean xclient) {
        int ofTls = startTls ? 1 : requireTls ? 2 : 0;
        return ehlo[ofTls + (xclient ? 3 : 0)];
    }

    /** RFC 9422 section 3 has no more than six digits. */
    private static int limit(int most) {
        return Math.min(most, MOST_LIMIT);
    }

    boolean fits(Greeting.Welcome welcome) {
        return maxMessageBytes == welcome.maxMessageBytes()
                && maxRecipients == welcome.maxRecipients()
                && hostname.equals(welcome.hostname());
    }
}
