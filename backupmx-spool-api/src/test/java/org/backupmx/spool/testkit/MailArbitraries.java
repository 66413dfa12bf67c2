package org.backupmx.spool.testkit;

import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.mail.Xtext;

/** Arbitrary mail, for properties. */
public final class MailArbitraries {

    private MailArbitraries() {}

    /**
     * Returns local parts of every kind: dot-strings, what needs quotes, UTF-8, empty, the longest.
     *
     * @return unquoted local parts
     */
    public static Arbitrary<String> localParts() {
        Arbitrary<String> dotStrings = Arbitraries.strings()
                .withCharRange('a', 'z')
                .withCharRange('A', 'Z')
                .withCharRange('0', '9')
                .withChars("!#$%&'*+-/=?^_`{|}~")
                .ofMinLength(1)
                .ofMaxLength(20)
                .list()
                .ofMinSize(1)
                .ofMaxSize(3)
                .map(atoms -> String.join(".", atoms));
        Arbitrary<String> printable =
                Arbitraries.strings().withCharRange(' ', '~').ofMaxLength(64);
        Arbitrary<String> utf8 = Arbitraries.of("\u00fc", "\u7528", "\ud83d\udcee", "a", ".", " ", "\"", "\\", "@")
                .list()
                .ofMaxSize(16)
                .map(parts -> String.join("", parts));
        return Arbitraries.oneOf(dotStrings, dotStrings, printable, utf8)
                .filter(text -> text.getBytes(StandardCharsets.UTF_8).length <= Mailbox.MAX_LOCAL_PART_OCTETS);
    }

    /**
     * Returns domains of every kind: host names of one to four labels, internationalised ones, address literals.
     *
     * @return domains
     */
    public static Arbitrary<MailDomain> domains() {
        Arbitrary<String> labels = Arbitraries.strings()
                .withCharRange('a', 'z')
                .withCharRange('0', '9')
                .withChars('-')
                .ofMinLength(1)
                .ofMaxLength(63)
                .filter(label -> !label.startsWith("-") && !label.endsWith("-"));
        Arbitrary<String> names = labels.list()
                .ofMinSize(1)
                .ofMaxSize(4)
                .map(list -> String.join(".", list))
                .filter(name -> name.length() <= MailDomain.MAX_OCTETS);
        return Arbitraries.oneOf(
                        names,
                        Arbitraries.of("b\u00fccher.example", "\u4f8b\u3048.\u30c6\u30b9\u30c8", "UPPER.Example."),
                        Arbitraries.of("[192.0.2.1]", "[IPv6:2001:db8::1]", "[IPv6:::1]", "[IPv6:::ffff:192.0.2.9]"))
                .map(MailDomain::of);
    }

    /**
     * Returns mailboxes of every kind.
     *
     * @return mailboxes
     */
    public static Arbitrary<Mailbox> mailboxes() {
        return mailboxes(domains());
    }

    private static Arbitrary<Mailbox> mailboxes(Arbitrary<MailDomain> domains) {
        return Combinators.combine(localParts(), domains).as(Mailbox::new);
    }

    /**
     * Returns reverse-paths, the null one often among them.
     *
     * @return reverse-paths
     */
    public static Arbitrary<ReversePath> reversePaths() {
        return Arbitraries.oneOf(
                Arbitraries.just(ReversePath.nullPath()), mailboxes().map(ReversePath::of));
    }

    /**
     * Returns recipients with all parameters in any combination.
     *
     * @param domains their domains
     * @return recipients
     */
    public static Arbitrary<Recipient> recipients(Arbitrary<MailDomain> domains) {
        Arbitrary<Set<Notify>> notifications = Arbitraries.oneOf(
                Arbitraries.just(Set.of()),
                Arbitraries.just(Set.of(Notify.NEVER)),
                Arbitraries.subsetOf(EnumSet.of(Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)));
        Arbitrary<String> orcpts = mailboxes().map(mailbox -> "rfc822;" + Xtext.encode(mailbox.toString()));
        return Combinators.combine(mailboxes(domains), notifications, orcpts.optional())
                .as((mailbox, notify, orcpt) -> {
                    Recipient recipient = Recipient.of(new ForwardPath(mailbox)).withNotify(notify);
                    return orcpt.map(recipient::withOrcpt).orElse(recipient);
                });
    }

    /**
     * Returns envelopes of one to six recipients with all parameters in any combination.
     *
     * @return envelopes
     */
    public static Arbitrary<Envelope> envelopes() {
        return envelopes(domains());
    }

    /**
     * Returns envelopes to some domains.
     *
     * @param domains the recipients' domains
     * @return envelopes of one to six recipients with all parameters in any combination
     */
    public static Arbitrary<Envelope> envelopes(Arbitrary<MailDomain> domains) {
        Arbitrary<DsnParameters> dsn = Combinators.combine(
                        Arbitraries.of(Ret.class).optional(),
                        Arbitraries.strings()
                                .ascii()
                                .ofMinLength(1)
                                .ofMaxLength(33)
                                .map(Xtext::encode)
                                .optional())
                .as((ret, envid) -> {
                    DsnParameters none = DsnParameters.none();
                    DsnParameters withRet = ret.map(none::withRet).orElse(none);
                    return envid.map(withRet::withEnvid).orElse(withRet);
                });
        return Combinators.combine(
                        reversePaths(),
                        recipients(domains).list().ofMinSize(1).ofMaxSize(6),
                        Arbitraries.of(BodyType.class),
                        Arbitraries.of(true, false),
                        Arbitraries.of(true, false),
                        Arbitraries.longs().greaterOrEqual(0).optional(),
                        dsn)
                .as((path, recipients, body, utf8, tls, size, parameters) -> {
                    Envelope.Builder builder = Envelope.from(path)
                            .bodyType(body)
                            .smtpUtf8(utf8)
                            .requireTls(tls)
                            .dsn(parameters);
                    size.ifPresent(builder::declaredBytes);
                    recipients.forEach(builder::to);
                    return builder.build();
                });
    }

    /**
     * Returns mail data: any octets, with line ends and dots in hard places more often than chance has it.
     *
     * @param maxBytes the most octets
     * @return mail data
     */
    public static Arbitrary<byte[]> mailData(int maxBytes) {
        Arbitrary<String> hard = Arbitraries.of("\r\n", "\r\n.\r\n", ".", "..", "\n.\n", "\r", "\0", "\u00ff", "text")
                .list()
                .ofMaxSize(Math.max(1, maxBytes / 5))
                .map(parts -> String.join("", parts));
        return Arbitraries.oneOf(
                Arbitraries.bytes().array(byte[].class).ofMaxSize(maxBytes),
                hard.map(text -> text.getBytes(StandardCharsets.ISO_8859_1)).filter(data -> data.length <= maxBytes));
    }

    /**
     * Returns replies of one to four lines, with and without enhanced status code.
     *
     * @return replies
     */
    public static Arbitrary<SmtpReply> replies() {
        Arbitrary<List<String>> lines = Arbitraries.oneOf(
                        Arbitraries.strings().withCharRange(' ', '~').ofMaxLength(80),
                        Arbitraries.of("", "\t", "Gr\u00fc\u00dfe", "\ud83d\udcee"))
                .list()
                .ofMinSize(1)
                .ofMaxSize(4);
        Arbitrary<EnhancedStatusCode> enhanced = Combinators.combine(
                        Arbitraries.of(2, 4, 5),
                        Arbitraries.integers().between(0, 999),
                        Arbitraries.integers().between(0, 999))
                .as(EnhancedStatusCode::new);
        return Combinators.combine(Arbitraries.integers().between(200, 599), enhanced.optional(), lines)
                .as(SmtpReply::of);
    }
}
