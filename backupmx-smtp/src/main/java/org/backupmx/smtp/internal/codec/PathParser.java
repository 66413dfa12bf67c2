package org.backupmx.smtp.internal.codec;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Set;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.jspecify.annotations.Nullable;

/**
 * Reads the arguments of MAIL and RCPT (RFC 5321 sections 4.1.1.2 and 4.1.1.3): a path in angle brackets, then
 * parameters. White space after the colon is tolerated; a source route is checked and dropped (appendix C).
 */
public final class PathParser {

    /** The longest path with its brackets, in octets: {@value} (RFC 5321 section 4.5.3.1.3). */
    public static final int MAX_PATH_OCTETS = 256;

    private static final Recipient ANY = Recipient.of(ForwardPath.parse("postmaster@example.invalid"));

    private final byte[] line;
    private final int end;
    private int at;

    // the token between tokenStart and tokenEnd, and the start of its value, -1 without one
    private int tokenStart;
    private int tokenEnd;
    private int valueStart;

    private PathParser(byte[] line, int start, int end) {
        this.line = line;
        this.at = start;
        this.end = end;
    }

    /** Reads the argument of MAIL, {@code line} from {@code start} to {@code end}. */
    public static MailLine mail(byte[] line, int start, int end) {
        PathParser parser = new PathParser(line, start, end);
        return parser.skipKeyword("FROM:") ? parser.mail() : SyntaxError.MAIL_ARGUMENT;
    }

    /**
     * Reads the argument of RCPT, {@code line} from {@code start} to {@code end}.
     *
     * @param smtpUtf8 whether the transaction's MAIL gave SMTPUTF8
     */
    public static RcptLine rcpt(byte[] line, int start, int end, boolean smtpUtf8) {
        PathParser parser = new PathParser(line, start, end);
        return parser.skipKeyword("TO:") ? parser.rcpt(smtpUtf8) : SyntaxError.RCPT_ARGUMENT;
    }

    /** Reads the argument of ETRN (RFC 1985 section 5.1): a domain in ASCII and nothing else; null if it is not one. */
    public static @Nullable MailDomain domain(byte[] line, int start, int end) {
        String text = new String(line, start, end - start, StandardCharsets.ISO_8859_1);
        try {
            return isAscii(text) ? MailDomain.of(text) : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private boolean skipKeyword(String keyword) {
        int length = keyword.length();
        if (!is(keyword, at, Math.min(end, at + length))) {
            return false;
        }
        at += length;
        while (at < end && (line[at] == ' ' || line[at] == '\t')) {
            at++;
        }
        return true;
    }

    private MailLine mail() {
        String path = path();
        if (path == null) {
            return SyntaxError.REVERSE_PATH;
        }
        long sizeBytes = -1;
        BodyType bodyType = null;
        boolean smtpUtf8 = false;
        boolean requireTls = false;
        DsnParameters dsn = DsnParameters.none();
        while (nextToken()) {
            if (tokenIs("SIZE")) {
                long size = sizeBytes < 0 ? number() : -1;
                if (size < 0) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                sizeBytes = size;
            } else if (tokenIs("BODY")) {
                BodyType type = bodyType == null ? bodyType() : null;
                if (type == null) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                if (type == BodyType.BINARY_MIME) {
                    return SyntaxError.PARAMETER_UNKNOWN; // known, but a primary without it could not be given the mail
                }
                bodyType = type;
            } else if (tokenIs("SMTPUTF8")) {
                if (smtpUtf8 || valueStart >= 0) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                smtpUtf8 = true;
            } else if (tokenIs("REQUIRETLS")) {
                if (requireTls || valueStart >= 0) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                requireTls = true;
            } else if (tokenIs("RET")) {
                Ret ret = dsn.ret().isEmpty() ? ret() : null;
                if (ret == null) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                dsn = dsn.withRet(ret);
            } else if (tokenIs("ENVID")) {
                DsnParameters with = dsn.envid().isEmpty() ? withEnvid(dsn) : null;
                if (with == null) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                dsn = with;
            } else {
                return SyntaxError.PARAMETER_UNKNOWN;
            }
        }
        if (!smtpUtf8 && !isAscii(path)) {
            return SyntaxError.NEEDS_SMTPUTF8;
        }
        try {
            return new MailCommand(
                    ReversePath.parse(path),
                    sizeBytes,
                    bodyType == null ? BodyType.SEVEN_BIT : bodyType,
                    smtpUtf8,
                    dsn,
                    requireTls);
        } catch (IllegalArgumentException e) {
            return SyntaxError.REVERSE_PATH;
        }
    }

    private RcptLine rcpt(boolean smtpUtf8) {
        String path = path();
        if (path == null || path.isEmpty()) {
            return SyntaxError.FORWARD_PATH;
        }
        if (!smtpUtf8 && !isAscii(path)) {
            return SyntaxError.NEEDS_SMTPUTF8;
        }
        Set<Notify> notifications = Set.of();
        String orcpt = null;
        while (nextToken()) {
            if (tokenIs("NOTIFY")) {
                Set<Notify> given = notifications.isEmpty() ? notifications() : null;
                if (given == null) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                notifications = given;
            } else if (tokenIs("ORCPT")) {
                String given = orcpt == null ? orcpt(smtpUtf8) : null;
                if (given == null) {
                    return SyntaxError.PARAMETER_VALUE;
                }
                orcpt = given;
            } else {
                return SyntaxError.PARAMETER_UNKNOWN;
            }
        }
        try {
            boolean postmaster = path.equalsIgnoreCase("postmaster");
            return new RcptCommand(postmaster ? null : ForwardPath.parse(path), notifications, orcpt);
        } catch (IllegalArgumentException e) {
            return SyntaxError.FORWARD_PATH;
        }
    }

    /** Reads a path and moves behind it; returns what is in the brackets without a source route, null if malformed. */
    private @Nullable String path() {
        int start = at;
        if (at == end || line[at] != '<') {
            return null;
        }
        boolean quoted = false;
        while (++at < end && (quoted || line[at] != '>')) {
            if (line[at] == '"') {
                quoted = !quoted;
            } else if (line[at] == '\\' && quoted) {
                at++;
            }
        }
        if (at >= end || at + 1 - start > MAX_PATH_OCTETS) {
            return null;
        }
        String inside = text(start + 1, at++);
        return inside != null && inside.startsWith("@") ? withoutRoute(inside) : inside;
    }

    private static @Nullable String withoutRoute(String path) {
        int from = 0;
        while (true) {
            int stop = from;
            boolean literal = false;
            while (stop < path.length() && (literal || (path.charAt(stop) != ',' && path.charAt(stop) != ':'))) {
                literal = path.charAt(stop) == '[' || (literal && path.charAt(stop) != ']');
                stop++;
            }
            if (stop == path.length() || path.charAt(from) != '@' || !isDomain(path.substring(from + 1, stop))) {
                return null;
            }
            from = stop + 1;
            if (path.charAt(stop) == ':') {
                // a route leads to a mailbox: not to the null path, nor to another route
                return from == path.length() || path.charAt(from) == '@' ? null : path.substring(from);
            }
            if (from == path.length()) {
                return null;
            }
        }
    }

    private static boolean isDomain(String text) {
        try {
            MailDomain.of(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Finds the next parameter; what follows a path or parameter without white space is made an unknown one. */
    private boolean nextToken() {
        while (at < end && (line[at] == ' ' || line[at] == '\t')) {
            at++;
        }
        tokenStart = at;
        valueStart = -1;
        while (at < end && line[at] != ' ' && line[at] != '\t') {
            if (line[at] == '=' && valueStart < 0) {
                valueStart = at + 1;
            }
            at++;
        }
        tokenEnd = at;
        return tokenEnd > tokenStart;
    }

    private boolean tokenIs(String keyword) {
        boolean apart = line[tokenStart - 1] != '>';
        return apart && is(keyword, tokenStart, valueStart < 0 ? tokenEnd : valueStart - 1);
    }

    private boolean valueIs(String value) {
        return valueStart >= 0 && is(value, valueStart, tokenEnd);
    }

    private boolean is(String word, int from, int to) {
        if (to - from != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            int octet = line[from + i];
            if ((octet >= 'a' && octet <= 'z' ? octet - 32 : octet) != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private long number() {
        int digits = tokenEnd - valueStart;
        if (valueStart < 0 || digits < 1 || digits > 20) {
            return -1;
        }
        long number = 0;
        for (int i = valueStart; i < tokenEnd; i++) {
            int digit = line[i] - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number > (Long.MAX_VALUE - digit) / 10 ? Long.MAX_VALUE : number * 10 + digit;
        }
        return number;
    }

    private @Nullable BodyType bodyType() {
        if (valueIs("8BITMIME")) {
            return BodyType.EIGHT_BIT_MIME;
        }
        if (valueIs("BINARYMIME")) {
            return BodyType.BINARY_MIME;
        }
        return valueIs("7BIT") ? BodyType.SEVEN_BIT : null;
    }

    private @Nullable Ret ret() {
        if (valueIs("FULL")) {
            return Ret.FULL;
        }
        return valueIs("HDRS") ? Ret.HDRS : null;
    }

    private @Nullable DsnParameters withEnvid(DsnParameters dsn) {
        String value = valueStart < 0 ? null : text(valueStart, tokenEnd);
        try {
            return value == null ? null : dsn.withEnvid(value);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private @Nullable Set<Notify> notifications() {
        if (valueStart < 0) {
            return null;
        }
        Set<Notify> given = EnumSet.noneOf(Notify.class);
        int from = valueStart;
        for (int i = valueStart; i <= tokenEnd; i++) {
            if (i == tokenEnd || line[i] == ',') {
                Notify notify = notify(from, i);
                if (notify == null || !given.add(notify)) {
                    return null;
                }
                from = i + 1;
            }
        }
        return given.contains(Notify.NEVER) && given.size() > 1 ? null : given;
    }

    private @Nullable Notify notify(int from, int to) {
        for (Notify notify : Notify.values()) {
            if (is(notify.name(), from, to)) {
                return notify;
            }
        }
        return null;
    }

    private @Nullable String orcpt(boolean smtpUtf8) {
        String value = valueStart < 0 ? null : text(valueStart, tokenEnd);
        if (value == null || (!smtpUtf8 && !isAscii(value))) {
            return null;
        }
        try {
            return ANY.withOrcpt(value).orcpt().orElse(null);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Returns octets as text, null if they are not UTF-8. */
    private @Nullable String text(int from, int to) {
        for (int i = from; i < to; i++) {
            if (line[i] < 0) {
                try {
                    return StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(line, from, to - from))
                            .toString();
                } catch (CharacterCodingException e) {
                    return null;
                }
            }
        }
        return new String(line, from, to - from, StandardCharsets.ISO_8859_1);
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }
}
