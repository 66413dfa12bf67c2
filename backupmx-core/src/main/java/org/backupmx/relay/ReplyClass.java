package org.backupmx.relay;

import java.util.Locale;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;

/**
 * What a reply that is not positive is about, as far as its text, its enhanced status code (RFC 3463) and its code tell:
 * the text is looked at first, for the codes are used loosely. A guess, for deciding how to go on and for reports; it never
 * turns a transient failure into a permanent one or the other way.
 *
 * <p>The text is matched without regard to case, its first {@value #MAX_CHARS} characters, in time that grows with their
 * number alone. Thread-safe.
 */
public enum ReplyClass {
    /** There is no such mailbox, or it is closed. */
    UNKNOWN_USER,
    /** The mailbox takes no more. */
    FULL,
    /** A rule of the host's: who may send to whom, how often, in what form. */
    POLICY,
    /** The content, or the standing of who sends it: spam, viruses, blocklists, reputation. */
    SPAM,
    /** The message is too large. */
    SIZE,
    /** Come again later, and then it will be taken. */
    GREYLIST,
    /** Somebody is not authenticated: SPF, DKIM, DMARC, AUTH, TLS. */
    AUTH,
    /** The message goes in circles. */
    LOOP,
    /** The host is in trouble, whoever sends and whoever gets it; also what says nothing of its reason. */
    SYSTEM;

    /** How much of a reply's text is looked at: {@value} characters. */
    static final int MAX_CHARS = 1_000;

    /**
     * Classifies a reply.
     *
     * @param reply a reply; one that is positive is {@link #SYSTEM}
     * @return what it is about
     */
    public static ReplyClass of(SmtpReply reply) {
        if (reply.isPositive()) {
            return SYSTEM;
        }
        String text = String.join(" ", reply.lines());
        text = text.substring(0, Math.min(text.length(), MAX_CHARS)).toLowerCase(Locale.ROOT);
        ReplyClass found = ReplyWords.find(text, reply);
        if (found != null) {
            return found;
        }
        return reply.enhanced().map(code -> byStatus(code, reply)).orElseGet(() -> byCode(reply));
    }

    private static ReplyClass byStatus(EnhancedStatusCode code, SmtpReply reply) {
        int detail = code.detail();
        return switch (code.subject()) {
            case 1 -> detail == 7 || detail == 8 ? POLICY : UNKNOWN_USER;
            case 2 -> ofMailbox(detail, reply);
            case 3 -> detail == 4 ? SIZE : SYSTEM;
            case 4 -> detail == 6 ? LOOP : SYSTEM;
            case 5 -> detail == 3 ? POLICY : byCode(reply);
            case 6 -> POLICY;
            case 7 -> isAboutAuthentication(detail) ? AUTH : POLICY;
            default -> byCode(reply);
        };
    }

    private static ReplyClass ofMailbox(int detail, SmtpReply reply) {
        return switch (detail) {
            case 2 -> FULL;
            case 3 -> SIZE;
            case 1 -> UNKNOWN_USER;
            default -> reply.isTransient() ? SYSTEM : UNKNOWN_USER;
        };
    }

    /** The details that the registry of RFC 5248 has for AUTH, TLS, DKIM, SPF and DMARC. */
    private static boolean isAboutAuthentication(int detail) {
        return (detail >= 8 && detail <= 15) || (detail >= 20 && detail <= 24) || (detail >= 26 && detail <= 30);
    }

    private static ReplyClass byCode(SmtpReply reply) {
        return switch (reply.code()) {
            case 550, 551, 553 -> UNKNOWN_USER;
            case 552 -> FULL;
            case 530, 534, 535, 538 -> AUTH;
            case 554, 521, 556 -> POLICY;
            default -> SYSTEM;
        };
    }
}
