package org.backupmx.internal.dsn;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.mail.Xtext;
import org.backupmx.relay.MailData;
import org.backupmx.spool.SpooledMessage;
import org.jspecify.annotations.Nullable;

/**
 * Composes DSNs: multipart/report of a text, a message/delivery-status and the original's header section, or
 * all of it if it failed, RET=FULL asks for it and it has at most {@value #MAX_RETURNED_BYTES} bytes in lines that MIME can carry
 * (RFC 3464, RFC 6522). For an original with SMTPUTF8 the parts are those of RFC 6533. One with REQUIRETLS is never returned
 * whole, and its DSN has REQUIRETLS as well (RFC 8689 section 5).
 *
 * <p>A DSN about one recipient or a few is no longer than {@value #MAX_RETURNED_BYTES} bytes beside a message that is returned
 * whole; each further recipient adds some hundred bytes.
 *
 * <p>Never for a null reverse-path (RFC 5321 section 4.5.5), nor for recipients whose NOTIFY does not ask for it.
 * Thread-safe; blocks while it reads the original.
 */
public final class DsnComposer {

    /** The most bytes of an original that are returned in full. */
    public static final int MAX_RETURNED_BYTES = 50_000;

    /** How far into an original its header section is read. */
    public static final int MAX_HEADER_BYTES = 256 * 1024;

    /** The most bytes of a header section that are returned. */
    public static final int MAX_RETURNED_HEADER_BYTES = 32_000;

    /** The most characters of a reply that are reported. */
    private static final int MAX_REPLY_CHARS = 1000;

    /** The same where there are more than {@link #FEW} recipients. */
    private static final int MAX_REPLY_CHARS_OF_MANY = 200;

    private static final int FEW = 5;

    /** How many recipients the text names; the status part has all. */
    private static final int MOST_IN_TEXT = 20;

    /** What the header section leaves to the fields and delimiters around the parts. */
    private static final int FRAME_BYTES = 2_500;

    private final String hostname;
    private final InstantSource clock;
    private final RandomGenerator random;

    /**
     * Makes a composer.
     *
     * @param hostname our name: the reporting MTA
     * @param clock the time
     * @param random makes Message-IDs and boundaries unique; thread-safe
     */
    public DsnComposer(String hostname, InstantSource clock, RandomGenerator random) {
        this.hostname = MailDomain.of(hostname).toString();
        this.clock = requireNonNull(clock, "clock");
        this.random = requireNonNull(random, "random");
    }

    /**
     * Composes the DSN for recipients of one message that failed.
     *
     * @param message the message
     * @param failed its recipients that failed, at least one
     * @param original its mail data
     * @return the DSN, empty if nobody is to be told
     * @throws IOException if the original cannot be read
     */
    public Optional<Dsn> compose(SpooledMessage message, List<FailedRecipient> failed, MailData original)
            throws IOException {
        return compose(DsnKind.FAILED, message, failed, null, original);
    }

    /**
     * Composes the DSN for recipients of one message.
     *
     * @param kind what it tells
     * @param message the message
     * @param recipients its recipients, each with the reply that it is about, at least one
     * @param until until when a delayed message is tried; null if that is not known, or for another kind
     * @param original its mail data
     * @return the DSN, empty if nobody is to be told
     * @throws IOException if the original cannot be read
     */
    public Optional<Dsn> compose(
            DsnKind kind,
            SpooledMessage message,
            List<FailedRecipient> recipients,
            @Nullable Instant until,
            MailData original)
            throws IOException {
        Optional<Mailbox> to = message.envelope().reversePath().mailbox();
        List<FailedRecipient> told = recipients.stream()
                .filter(one -> kind.isWanted(one.recipient()))
                .toList();
        if (to.isEmpty() || told.isEmpty()) {
            return Optional.empty();
        }
        boolean isUtf8 = isUtf8(message.envelope(), told);
        OriginalMessage returned = OriginalMessage.read(original, MAX_HEADER_BYTES);
        byte[] text = text(kind, told, isUtf8);
        byte[] status = status(kind, message, told, until, isUtf8);
        Optional<byte[]> whole = kind == DsnKind.FAILED
                        && message.envelope().dsn().ret().equals(Optional.of(Ret.FULL))
                        && !message.envelope().requireTls()
                        && message.sizeBytes() <= MAX_RETURNED_BYTES
                ? returned.whole(MAX_RETURNED_BYTES)
                : Optional.empty();
        int room = MAX_RETURNED_BYTES - FRAME_BYTES - text.length - status.length;
        byte[] last = whole.orElseGet(
                () -> returned.header(Math.max(FRAME_BYTES, Math.min(MAX_RETURNED_HEADER_BYTES, room))));
        boolean isEightBit = isUtf8 || isEightBit(last);

        String boundary = "=_" + unique();
        ReportWriter out = new ReportWriter(isUtf8);
        header(out, kind, to.get(), returned.messageId());
        out.field("MIME-Version", "1.0");
        out.raw("Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" + boundary + "\"\r\n");
        out.field("Content-Transfer-Encoding", isEightBit ? "8bit" : "7bit").line();
        out.raw("This is a delivery status notification in MIME format.\r\n");
        part(out, boundary, isUtf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", text);
        part(out, boundary, isUtf8 ? "message/global-delivery-status" : "message/delivery-status", status);
        String wholeType = isUtf8 ? "message/global" : "message/rfc822";
        String headerType = isUtf8 ? "message/global-headers" : "text/rfc822-headers";
        part(out, boundary, whole.isPresent() ? wholeType : headerType, last);
        out.raw("\r\n--" + boundary + "--\r\n");

        Envelope envelope = Envelope.from(ReversePath.nullPath())
                .to(Recipient.of(new ForwardPath(to.get())))
                .bodyType(isEightBit ? BodyType.EIGHT_BIT_MIME : BodyType.SEVEN_BIT)
                .smtpUtf8(isUtf8)
                .requireTls(message.envelope().requireTls())
                .build();
        return Optional.of(new Dsn(envelope, out.bytes()));
    }

    private static boolean isUtf8(Envelope envelope, List<FailedRecipient> told) {
        return envelope.smtpUtf8()
                || envelope.reversePath().mailbox().stream().anyMatch(Mailbox::needsSmtpUtf8)
                || told.stream()
                        .anyMatch(one -> one.recipient().path().mailbox().needsSmtpUtf8());
    }

    private static boolean isEightBit(byte[] octets) {
        for (byte octet : octets) {
            if (octet < 0) {
                return true;
            }
        }
        return false;
    }

    private void header(ReportWriter out, DsnKind kind, Mailbox to, Optional<String> originalId) {
        out.field("From", "Mail Delivery System <MAILER-DAEMON@" + hostname + ">");
        out.raw("To: <" + to + ">\r\n");
        out.field("Subject", kind.subject);
        out.field("Date", date(clock.instant()));
        out.field("Message-ID", "<" + unique() + "@" + hostname + ">");
        originalId.ifPresent(id -> out.field("In-Reply-To", id).field("References", id));
        out.field("Auto-Submitted", "auto-replied");
    }

    private static void part(ReportWriter out, String boundary, String type, byte[] content) {
        out.raw("\r\n--" + boundary + "\r\n");
        out.field("Content-Type", type);
        out.field("Content-Transfer-Encoding", isEightBit(content) ? "8bit" : "7bit")
                .line();
        out.raw(content);
    }

    private byte[] text(DsnKind kind, List<FailedRecipient> told, boolean isUtf8) {
        ReportWriter out = new ReportWriter(isUtf8);
        out.text("This is the mail system at " + hostname + ".").line();
        out.text("Your message " + kind.sentence);
        for (FailedRecipient one : told.subList(0, Math.min(told.size(), MOST_IN_TEXT))) {
            out.line().text("<" + one.recipient().path() + ">");
            String said = one.remoteMta() == null ? "" : one.remoteMta() + " said: ";
            out.text(
                    one.isExpired()
                            ? "It could not be delivered in time. The last answer was: " + said
                                    + reply(one.reply(), told)
                            : said + reply(one.reply(), told));
        }
        if (told.size() > MOST_IN_TEXT) {
            out.line().text("And " + (told.size() - MOST_IN_TEXT) + " more, which are listed in the next part.");
        }
        return out.bytes();
    }

    /** Writes the fields of RFC 3464 sections 2.2 and 2.3. */
    private byte[] status(
            DsnKind kind, SpooledMessage message, List<FailedRecipient> told, @Nullable Instant until, boolean isUtf8) {
        ReportWriter out = new ReportWriter(isUtf8);
        message.envelope().dsn().envid().ifPresent(envid -> out.field("Original-Envelope-Id", Xtext.decode(envid)));
        out.field("Reporting-MTA", "dns; " + hostname);
        out.field("Arrival-Date", date(message.receivedAt()));
        for (FailedRecipient one : told) {
            out.line();
            one.recipient().orcpt().ifPresent(orcpt -> out.field("Original-Recipient", originalRecipient(orcpt)));
            ForwardPath path = one.recipient().path();
            // Not folded: a quoted local part may hold spaces that count.
            out.raw("Final-Recipient: " + (path.mailbox().needsSmtpUtf8() ? "utf-8; " : "rfc822; ") + path + "\r\n");
            out.field("Action", kind.action);
            out.field("Status", status(kind, one));
            if (one.remoteMta() != null && !one.remoteMta().isBlank()) {
                out.field("Remote-MTA", "dns; " + one.remoteMta());
                out.field("Diagnostic-Code", "smtp; " + reply(one.reply(), told));
            }
            out.field("Last-Attempt-Date", date(clock.instant()));
            if (until != null) {
                out.field("Will-Retry-Until", date(until));
            }
        }
        return out.bytes();
    }

    /** Returns what ORCPT stands for; only the type utf-8 has an encoding of its own (RFC 6533 section 3). */
    private static String originalRecipient(String orcpt) {
        int semicolon = orcpt.indexOf(';');
        String type = orcpt.substring(0, semicolon);
        String address = orcpt.substring(semicolon + 1);
        boolean isPlain = type.equalsIgnoreCase("utf-8") || !Xtext.isXtext(address);
        return type + "; " + (isPlain ? address : Xtext.decode(address));
    }

    private static String status(DsnKind kind, FailedRecipient one) {
        if (one.isExpired()) {
            return "4.4.7";
        }
        int statusClass = switch (kind) {
            case FAILED -> 5;
            case DELAYED -> 4;
            case RELAYED -> 2;
        };
        return one.reply()
                .enhanced()
                .filter(code -> code.statusClass() == statusClass)
                .map(Object::toString)
                .orElse(statusClass + ".0.0");
    }

    private static String reply(SmtpReply reply, List<FailedRecipient> told) {
        int most = told.size() <= FEW ? MAX_REPLY_CHARS : MAX_REPLY_CHARS_OF_MANY;
        String code =
                reply.enhanced().map(enhanced -> reply.code() + " " + enhanced).orElse("" + reply.code());
        String text = code + " " + String.join(" ", reply.lines());
        return text.length() <= most ? text : text.substring(0, most) + "...";
    }

    private static String date(Instant instant) {
        return DateTimeFormatter.RFC_1123_DATE_TIME
                .format(instant.atOffset(ZoneOffset.UTC))
                .replace("GMT", "+0000");
    }

    private String unique() {
        return String.format("%016x%016x", random.nextLong(), random.nextLong());
    }
}
