package org.backupmx.smtp.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import javax.net.ssl.SSLContext;

/**
 * What a {@link FakePrimary} answers at each point of a dialogue. Starts as a good server with the usual extensions; each
 * method returns a copy with one thing changed. Immutable.
 */
public final class PrimaryBehaviour {

    /** Where an answer is due. */
    public enum Point {
        /** The connection is open. */
        BANNER,
        EHLO,
        /** EHLO after a TLS handshake. */
        EHLO_IN_TLS,
        HELO,
        STARTTLS,
        MAIL,
        RCPT,
        DATA,
        /** A chunk has come that is not the last; the last is followed by {@link #END_OF_DATA}. */
        BDAT,
        AUTH,
        /** The first line of mail data has come. */
        MAIL_DATA,
        /** The final dot has come. */
        END_OF_DATA,
        RSET,
        NOOP,
        QUIT,
        /** Any other command. */
        OTHER
    }

    /** What to do at a point. */
    public sealed interface Answer {

        /** Says {@code text} as it is, and goes on. */
        record Say(String text) implements Answer {}

        /** Says {@code text} as it is, and closes. */
        record SayAndClose(String text) implements Answer {}

        /** Says nothing more, and reads nothing more, until the other side closes. */
        record Stall() implements Answer {}

        /** Says {@code text} again and again until the other side closes. */
        record Flood(String text) implements Answer {}

        /** Says {@code text} again and again, an octet every {@code pause}, until the other side closes. */
        record Trickle(String text, Duration pause) implements Answer {}

        /** Says {@code text}, then ends its direction of the connection and goes on listening. */
        record SayAndHalfClose(String text) implements Answer {}

        /** Does {@code first}; when the other side has sent an octet more, does {@code next}. */
        record Then(Answer first, Answer next) implements Answer {}

        /** Breaks the connection off with a reset. */
        record Reset() implements Answer {}

        /**
         * Says 220 and shakes hands; the dialogue begins anew inside TLS, without a banner. Wants a certificate of the
         * client if told to.
         */
        record Secure(SSLContext tls, boolean wantsCertificate) implements Answer {}
    }

    private static final List<String> EXTENSIONS =
            List.of("PIPELINING", "SIZE 62914560", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES");

    private final Map<Point, Function<String, Answer>> answers;
    private final List<String> extensions;
    private final long cutAfterReceiving;
    private final long cutAfterSending;

    private PrimaryBehaviour(
            Map<Point, Function<String, Answer>> answers,
            List<String> extensions,
            long cutAfterReceiving,
            long cutAfterSending) {
        this.answers = answers;
        this.extensions = extensions;
        this.cutAfterReceiving = cutAfterReceiving;
        this.cutAfterSending = cutAfterSending;
    }

    /** A good server: PIPELINING, SIZE, 8BITMIME, SMTPUTF8, DSN, and 250 to all. */
    public static PrimaryBehaviour accepting() {
        return new PrimaryBehaviour(new EnumMap<>(Point.class), EXTENSIONS, Long.MAX_VALUE, Long.MAX_VALUE);
    }

    /** Offers these extensions only. */
    public PrimaryBehaviour offering(String... lines) {
        return new PrimaryBehaviour(answers, List.of(lines), cutAfterReceiving, cutAfterSending);
    }

    /** Offers all but the extensions with these keywords. */
    public PrimaryBehaviour without(String... keywords) {
        List<String> left = new ArrayList<>(extensions);
        left.removeIf(line -> List.of(keywords).contains(line.split(" ", 2)[0]));
        return new PrimaryBehaviour(answers, List.copyOf(left), cutAfterReceiving, cutAfterSending);
    }

    /** Does {@code answer} at {@code point}, whatever the command line says. */
    public PrimaryBehaviour at(Point point, Answer answer) {
        return at(point, line -> answer);
    }

    /** Does what {@code answer} returns for the command line; null for the usual answer. */
    public PrimaryBehaviour at(Point point, Function<String, Answer> answer) {
        Map<Point, Function<String, Answer>> copy = new EnumMap<>(Point.class);
        copy.putAll(answers);
        copy.put(point, answer);
        return new PrimaryBehaviour(copy, extensions, cutAfterReceiving, cutAfterSending);
    }

    /** Answers with a reply of these lines, CRLF added; for example {@code reply(RCPT, "550 5.1.1 No such user")}. */
    public PrimaryBehaviour reply(Point point, String... lines) {
        return at(point, new Answer.Say(String.join("\r\n", lines) + "\r\n"));
    }

    /** Answers with a reply of one line and closes. */
    public PrimaryBehaviour replyAndClose(Point point, String line) {
        return at(point, new Answer.SayAndClose(line + "\r\n"));
    }

    /** Closes without a word. */
    public PrimaryBehaviour close(Point point) {
        return at(point, new Answer.SayAndClose(""));
    }

    /** Goes silent. */
    public PrimaryBehaviour stall(Point point) {
        return at(point, new Answer.Stall());
    }

    /** Repeats {@code text} without end. */
    public PrimaryBehaviour flood(Point point, String text) {
        return at(point, new Answer.Flood(text));
    }

    /** Offers STARTTLS, and does it by {@code tls}. */
    public PrimaryBehaviour secure(SSLContext tls) {
        List<String> more = new ArrayList<>(extensions);
        more.add("STARTTLS");
        return offering(more.toArray(String[]::new)).at(Point.STARTTLS, new Answer.Secure(tls, false));
    }

    /** Offers more, besides what it offers. */
    public PrimaryBehaviour alsoOffering(String... lines) {
        List<String> more = new ArrayList<>(extensions);
        more.addAll(List.of(lines));
        return offering(more.toArray(String[]::new));
    }

    /** Resets the connection. */
    public PrimaryBehaviour reset(Point point) {
        return at(point, new Answer.Reset());
    }

    /** Closes every connection once it has received this many octets. */
    public PrimaryBehaviour cutAfterReceiving(long octets) {
        return new PrimaryBehaviour(answers, extensions, octets, cutAfterSending);
    }

    /** Closes every connection once it has sent this many octets. */
    public PrimaryBehaviour cutAfterSending(long octets) {
        return new PrimaryBehaviour(answers, extensions, cutAfterReceiving, octets);
    }

    /** Tells whether it knows BDAT: who offers {@code CHUNKING} with anything behind it only says so. */
    boolean takesChunks() {
        return extensions.contains("CHUNKING");
    }

    long cutAfterReceiving() {
        return cutAfterReceiving;
    }

    long cutAfterSending() {
        return cutAfterSending;
    }

    Answer answer(Point point, String line) {
        Function<String, Answer> scripted = answers.get(point);
        Answer answer = scripted == null ? null : scripted.apply(line);
        return answer == null ? new Answer.Say(usual(point)) : answer;
    }

    private String usual(Point point) {
        return switch (point) {
            case BANNER -> "220 primary.test ESMTP\r\n";
            case EHLO -> ehlo(extensions);
            case EHLO_IN_TLS -> ehlo(without("STARTTLS").extensions);
            case HELO -> "250 primary.test\r\n";
            case STARTTLS, AUTH, OTHER -> "502 5.5.1 Not here\r\n";
            case MAIL, RSET, NOOP, BDAT -> "250 2.0.0 Ok\r\n";
            case RCPT -> "250 2.1.5 Ok\r\n";
            case DATA -> "354 Go on\r\n";
            case MAIL_DATA -> "";
            case END_OF_DATA -> "250 2.0.0 Taken\r\n";
            case QUIT -> "221 2.0.0 Bye\r\n";
        };
    }

    private static String ehlo(List<String> extensions) {
        StringBuilder out = new StringBuilder(extensions.isEmpty() ? "250 " : "250-").append("primary.test\r\n");
        for (int i = 0; i < extensions.size(); i++) {
            out.append(i + 1 < extensions.size() ? "250-" : "250 ")
                    .append(extensions.get(i))
                    .append("\r\n");
        }
        return out.toString();
    }
}
