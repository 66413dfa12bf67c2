package org.backupmx.spool.testkit;

import java.util.EnumSet;
import java.util.List;
import java.util.stream.IntStream;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;

/** Envelopes for tests. */
public final class Envelopes {

    private Envelopes() {}

    /**
     * Returns an envelope from {@code sender@sender.example}.
     *
     * @param recipients mailboxes, at least one
     * @return the envelope
     */
    public static Envelope to(String... recipients) {
        return from("sender@sender.example", recipients);
    }

    /**
     * Returns an envelope without parameters.
     *
     * @param reversePath a mailbox, or the empty string for the null reverse-path
     * @param recipients mailboxes, at least one
     * @return the envelope
     */
    public static Envelope from(String reversePath, String... recipients) {
        return builder(reversePath, List.of(recipients)).build();
    }

    private static Envelope.Builder builder(String reversePath, List<String> recipients) {
        Envelope.Builder builder = Envelope.from(ReversePath.parse(reversePath));
        recipients.forEach(recipient -> builder.to(recipient(recipient)));
        return builder;
    }

    private static Recipient recipient(String mailbox) {
        return Recipient.of(ForwardPath.parse(mailbox));
    }

    /**
     * Returns an envelope with many recipients.
     *
     * @param count how many
     * @param domains the domains over which they are spread in turn
     * @return the envelope, {@code user0@} first
     */
    public static Envelope toMany(int count, String... domains) {
        return builder(
                        "sender@sender.example",
                        IntStream.range(0, count)
                                .mapToObj(i -> "user" + i + '@' + domains[i % domains.length])
                                .toList())
                .build();
    }

    /**
     * Returns envelopes that together use every parameter of MAIL and RCPT in every form.
     *
     * @return different envelopes, each with a recipient at {@code a.example}
     */
    public static List<Envelope> ofEveryKind() {
        Recipient plain = recipient("user@a.example");
        Envelope.Builder full = Envelope.from(ReversePath.parse("\"odd \\\"one\\\\\"@xn--bcher-kva.example"))
                .bodyType(BodyType.BINARY_MIME)
                .smtpUtf8(true)
                .declaredBytes(Long.MAX_VALUE)
                .dsn(DsnParameters.none().withRet(Ret.HDRS).withEnvid("QQ+2B31+3D4159"))
                .to(plain.withNotify(EnumSet.of(Notify.NEVER)))
                .to(recipient("\"john doe\"@a.example")
                        .withNotify(EnumSet.of(Notify.SUCCESS, Notify.FAILURE, Notify.DELAY))
                        .withOrcpt("rfc822;Bob+2BTag@Old.Example"))
                .to(recipient("\u00fcser.\u7528\u6237@a.example")
                        .withNotify(EnumSet.of(Notify.DELAY))
                        .withOrcpt("utf-8;\u7528\u6237\\x{2B}@old.example"))
                .to(recipient("\"\"@[192.0.2.1]"))
                .to(recipient("\ud83d\udcee@[IPv6:2001:db8::1]"))
                .to(recipient("u@[IPv6:::ffff:192.0.2.1]"))
                .to(recipient("o'brien+tag/x=y!{z}@a.example"));
        return List.of(
                to("user@a.example"),
                from("", "user@a.example"),
                builder("Case.Kept@sender.example", List.of("User@a.example", "user@a.example"))
                        .build(),
                builder("s@sender.example", List.of("user@a.example"))
                        .bodyType(BodyType.EIGHT_BIT_MIME)
                        .declaredBytes(0)
                        .build(),
                builder("s@sender.example", List.of("user@a.example"))
                        .bodyType(BodyType.BINARY_MIME)
                        .requireTls(true)
                        .build(),
                builder("s@sender.example", List.of("user@a.example"))
                        .smtpUtf8(true)
                        .requireTls(true)
                        .build(),
                builder("s@sender.example", List.of("user@a.example"))
                        .smtpUtf8(true)
                        .build(),
                builder("s@sender.example", List.of("user@a.example"))
                        .dsn(DsnParameters.none().withRet(Ret.FULL))
                        .build(),
                builder("s@sender.example", List.of("user@a.example"))
                        .dsn(DsnParameters.none().withEnvid("e".repeat(DsnParameters.MAX_ENVID_CHARS)))
                        .build(),
                Envelope.from(ReversePath.nullPath())
                        .to(plain.withOrcpt("rfc822;" + "o".repeat(Recipient.MAX_ORCPT_CHARS - 7)))
                        .to(plain)
                        .build(),
                full.build(),
                toMany(1000, "a.example", "b.example", "c.example"));
    }
}
