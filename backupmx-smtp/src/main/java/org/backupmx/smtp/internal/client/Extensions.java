package org.backupmx.smtp.internal.client;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.backupmx.mail.SmtpReply;

/** What a next hop offers: its answer to EHLO (RFC 5321 section 4.1.1.1), or nothing after HELO. Immutable. */
final class Extensions {

    static final Extensions NONE = new Extensions(List.of());

    private final List<String> lines;
    private final Map<String, String> parameters = new HashMap<>();
    private final boolean pipelining;
    private final boolean size;
    private final boolean eightBitMime;
    private final boolean smtpUtf8;
    private final boolean dsn;
    private final boolean startTls;
    private final int maxRecipients;

    private Extensions(List<String> lines) {
        this.lines = lines;
        for (String line : lines) {
            int space = line.indexOf(' ');
            String keyword = space < 0 ? line : line.substring(0, space);
            parameters.put(keyword.toUpperCase(Locale.ROOT), space < 0 ? "" : line.substring(space + 1));
        }
        pipelining = parameters.containsKey("PIPELINING");
        size = parameters.containsKey("SIZE");
        eightBitMime = parameters.containsKey("8BITMIME");
        smtpUtf8 = parameters.containsKey("SMTPUTF8");
        dsn = parameters.containsKey("DSN");
        startTls = parameters.containsKey("STARTTLS");
        maxRecipients = limit("RCPTMAX=");
    }

    /** Reads the lines after the first, which is the greeting. */
    static Extensions of(SmtpReply ehlo) {
        return new Extensions(ehlo.lines().subList(1, ehlo.lines().size()));
    }

    private int limit(String name) {
        for (String word : parameters.getOrDefault("LIMITS", "").split(" ", -1)) {
            if (word.startsWith(name) && word.substring(name.length()).matches("[1-9]\\d{0,5}")) {
                return Integer.parseInt(word.substring(name.length()));
            }
        }
        return Integer.MAX_VALUE;
    }

    List<String> lines() {
        return lines;
    }

    boolean pipelining() {
        return pipelining;
    }

    boolean size() {
        return size;
    }

    boolean eightBitMime() {
        return eightBitMime;
    }

    boolean smtpUtf8() {
        return smtpUtf8;
    }

    boolean dsn() {
        return dsn;
    }

    boolean startTls() {
        return startTls;
    }

    /** Returns RCPTMAX of LIMITS (RFC 9422), or no limit. */
    int maxRecipients() {
        return maxRecipients;
    }
}
