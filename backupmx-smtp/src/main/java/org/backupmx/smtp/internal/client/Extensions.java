package org.backupmx.smtp.internal.client;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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
    private final boolean requireTls;
    private final boolean dsn;
    private final boolean startTls;
    private final boolean chunking;
    private final int maxRecipients;
    private final int maxTransactions;
    private final int maxDomains;

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
        requireTls = parameters.containsKey("REQUIRETLS");
        dsn = parameters.containsKey("DSN");
        startTls = parameters.containsKey("STARTTLS");
        chunking = parameters.containsKey("CHUNKING");
        maxRecipients = limit("RCPTMAX=");
        maxTransactions = limit("MAILMAX=");
        maxDomains = limit("RCPTDOMAINMAX=");
    }

    /** Reads the lines after the first, which is the greeting. */
    static Extensions of(SmtpReply ehlo) {
        return new Extensions(ehlo.lines().subList(1, ehlo.lines().size()));
    }

    /** A limit of 0, or one that is no number, is none: nothing could be sent by it. */
    private int limit(String name) {
        for (String word : parameters.getOrDefault("LIMITS", "").split(" ", -1)) {
            if (word.toUpperCase(Locale.ROOT).startsWith(name)
                    && word.substring(name.length()).matches("[1-9]\\d{0,5}")) {
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

    boolean requireTls() {
        return requireTls;
    }

    boolean dsn() {
        return dsn;
    }

    boolean startTls() {
        return startTls;
    }

    boolean chunking() {
        return chunking;
    }

    /** Returns the mechanisms of AUTH (RFC 4954 section 3), in upper case. */
    Set<String> mechanisms() {
        String names =
                parameters.getOrDefault("AUTH", "").toUpperCase(Locale.ROOT).strip();
        return new HashSet<>(Arrays.asList(names.split(" +", -1)));
    }

    /** Returns RCPTMAX of LIMITS (RFC 9422): recipients of a transaction, or no limit. */
    int maxRecipients() {
        return maxRecipients;
    }

    /** Returns MAILMAX of LIMITS: transactions of a connection, or no limit. */
    int maxTransactions() {
        return maxTransactions;
    }

    /** Returns RCPTDOMAINMAX of LIMITS: domains among the recipients of a transaction, or no limit. */
    int maxDomains() {
        return maxDomains;
    }
}
