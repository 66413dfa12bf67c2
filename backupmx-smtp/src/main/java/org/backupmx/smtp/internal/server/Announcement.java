package org.backupmx.smtp.internal.server;

import java.util.ArrayList;
import java.util.List;
import org.backupmx.intake.Greeting;
import org.backupmx.mail.SmtpReply;

/** What we say of ourselves: the banner and the answers to HELO and EHLO. */
final class Announcement {

    private final String hostname;
    private final long maxMessageBytes;
    final FixedReply banner;
    final FixedReply helo;
    final FixedReply ehlo;
    final FixedReply ehloWithStartTls;

    Announcement(Greeting.Welcome welcome) {
        hostname = welcome.hostname();
        maxMessageBytes = welcome.maxMessageBytes();
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
                "ETRN"));
        ehlo = FixedReply.plain(SmtpReply.of(250, lines));
        lines.add("STARTTLS");
        ehloWithStartTls = FixedReply.plain(SmtpReply.of(250, lines));
    }

    boolean fits(Greeting.Welcome welcome) {
        return maxMessageBytes == welcome.maxMessageBytes() && hostname.equals(welcome.hostname());
    }
}
