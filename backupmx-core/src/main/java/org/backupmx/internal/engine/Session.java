package org.backupmx.internal.engine;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.backupmx.greylist.GreylistDecision;
import org.backupmx.greylist.GreylistPolicy;
import org.backupmx.greylist.GreylistTriplet;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.RecipientPolicy;
import org.backupmx.intake.RecipientStatus;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides for one connection. One call at a time, as the port promises; what a worker writes here is there for the
 * next call, which comes after its stage.
 */
final class Session implements IntakeSession {

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** Up to so many recipients duplicates are looked for one by one. */
    private static final int FEW = 8;

    private final IntakeService intake;
    private final ClientInfo client;

    // the connection
    private String helo = "";
    private boolean extended;
    private @Nullable String tls;

    // the transaction
    private ReversePath reversePath = ReversePath.nullPath();
    private MailParameters parameters = MailParameters.none();
    private List<Recipient> recipients = new ArrayList<>(1);
    private @Nullable Set<Mailbox> known; // mailboxes of recipients, once they are not few
    private volatile @Nullable MessageSink sink;

    Session(IntakeService intake, ClientInfo client) {
        this.intake = intake;
        this.client = client;
    }

    @Override
    public void secured(String protocol, String cipherSuite) {
        // nothing that was said in clear text counts any more (RFC 3207 section 4.2)
        reset();
        helo = "";
        extended = false;
        tls = ReceivedField.tls(protocol, cipherSuite);
    }

    @Override
    public CompletableFuture<Verdict> helo(String name, boolean isExtended) {
        reset();
        helo = name;
        extended = isExtended;
        return Replies.HELO_OK;
    }

    @Override
    public CompletableFuture<Verdict> mail(ReversePath path, MailParameters given) {
        reset();
        reversePath = path;
        if (!intake.spool.health().isAccepting()) {
            return refused(List.of(), Replies.SPOOL_REFUSES);
        }
        if (given.sizeBytes() > intake.config.maxMessageBytes()) {
            return refused(List.of(), Replies.TOO_LARGE);
        }
        parameters = given;
        return Replies.SENDER_OK;
    }

    @Override
    public CompletableFuture<Verdict> rcpt(ForwardPath path, RcptParameters given) {
        Recipient recipient;
        try {
            recipient = given.recipient(path);
        } catch (IllegalArgumentException e) {
            return refused(List.of(path), Replies.BAD_PARAMETER);
        }
        RelayDomain listed = intake.directory.listed(path.domain());
        if (listed != null) {
            return inDomain(listed, recipient);
        }
        if (!intake.directory.hasLookup()) {
            return refused(List.of(path), Replies.FOREIGN);
        }
        CompletableFuture<Optional<RelayDomain>> found = intake.directory.find(path.domain());
        return found.handle((domain, fault) -> {
                    if (domain == null) {
                        return faulted(recipient, "look-up of the domain", fault);
                    }
                    return domain.map(settings -> inDomain(settings, recipient))
                            .orElseGet(() -> refused(List.of(path), Replies.FOREIGN));
                })
                .thenCompose(verdict -> verdict);
    }

    @Override
    public CompletableFuture<Verdict> postmaster(RcptParameters given) {
        ForwardPath path = new ForwardPath(intake.config.postmaster());
        try {
            return add(given.recipient(path));
        } catch (IllegalArgumentException e) {
            return refused(List.of(path), Replies.BAD_PARAMETER);
        }
    }

    private CompletableFuture<Verdict> inDomain(RelayDomain domain, Recipient recipient) {
        Mailbox mailbox = recipient.path().mailbox();
        if (isRouted(mailbox.localPart()) && !intake.config.allowRoutedLocalParts()) {
            return refused(List.of(recipient.path()), Replies.ROUTED);
        }
        if (isAlwaysAccepted(mailbox.localPart())) {
            return add(recipient);
        }
        RecipientPolicy policy = domain.recipients().orElse(intake.config.recipientPolicy());
        if (policy.mayBlock()) {
            return intake.runtime
                    .ask(() -> policy.status(mailbox))
                    .handle((status, fault) ->
                            status == null ? faulted(recipient, "recipient policy", fault) : judged(status, recipient))
                    .thenCompose(verdict -> verdict);
        }
        try {
            return judged(policy.status(mailbox), recipient);
        } catch (Exception e) {
            return faulted(recipient, "recipient policy", e);
        }
    }

    /** What the primary may read as an order to relay elsewhere: the percent hack, a UUCP path, a second domain. */
    private static boolean isRouted(String localPart) {
        return localPart.indexOf('%') >= 0 || localPart.indexOf('!') >= 0 || localPart.indexOf('@') >= 0;
    }

    /** Past every policy: RFC 5321 section 4.5.1 and RFC 2142. */
    private static boolean isAlwaysAccepted(String localPart) {
        return localPart.equalsIgnoreCase("postmaster") || localPart.equalsIgnoreCase("abuse");
    }

    private CompletableFuture<Verdict> judged(RecipientStatus status, Recipient recipient) {
        if (status != RecipientStatus.EXISTS) {
            return refused(
                    List.of(recipient.path()),
                    status == RecipientStatus.UNKNOWN ? Replies.UNKNOWN_RECIPIENT : Replies.UNSURE_RECIPIENT);
        }
        GreylistPolicy greylist = intake.config.greylist();
        GreylistTriplet triplet = new GreylistTriplet(client.remote().getAddress(), reversePath, recipient.path());
        if (greylist.mayBlock()) {
            return intake.runtime
                    .ask(() -> greylist.decide(triplet, intake.runtime.now()))
                    .handle((decision, fault) ->
                            decision == null ? faulted(recipient, "greylist", fault) : greylisted(decision, recipient))
                    .thenCompose(verdict -> verdict);
        }
        try {
            GreylistDecision decision = greylist.decide(triplet, intake.runtime.now());
            return decision == null ? faulted(recipient, "greylist", null) : greylisted(decision, recipient);
        } catch (RuntimeException e) {
            return faulted(recipient, "greylist", e);
        }
    }

    private CompletableFuture<Verdict> greylisted(GreylistDecision decision, Recipient recipient) {
        return decision instanceof GreylistDecision.Wait wait
                ? refused(List.of(recipient.path()), Replies.greylisted(wait.left()))
                : add(recipient);
    }

    private CompletableFuture<Verdict> add(Recipient recipient) {
        if (isDuplicate(recipient)) {
            return Replies.RECIPIENT_OK;
        }
        // mail to a null reverse-path's recipients is never answered: one at a time is all that a DSN needs
        int most = reversePath.isNull() ? 1 : intake.config.maxRecipients();
        if (recipients.size() >= most) {
            return refused(List.of(recipient.path()), Replies.TOO_MANY_RECIPIENTS);
        }
        recipients.add(recipient);
        if (known != null) {
            known.add(recipient.path().mailbox());
        }
        return Replies.RECIPIENT_OK;
    }

    private boolean isDuplicate(Recipient recipient) {
        Mailbox mailbox = recipient.path().mailbox();
        if (recipients.size() > FEW) {
            if (known == null) {
                known = new HashSet<>();
                for (Recipient other : recipients) {
                    known.add(other.path().mailbox());
                }
            }
            return known.contains(mailbox);
        }
        for (Recipient other : recipients) {
            if (other.path().mailbox().equals(mailbox)) {
                return true;
            }
        }
        return false;
    }

    private CompletableFuture<Verdict> faulted(Recipient recipient, String what, @Nullable Throwable fault) {
        LOG.atWarn()
                .setCause(fault)
                .addKeyValue("rcpt", recipient)
                .addKeyValue("policy", what)
                .log("policy failed");
        return refused(List.of(recipient.path()), Replies.LOCAL_FAULT);
    }

    private CompletableFuture<Verdict> refused(List<ForwardPath> paths, Verdict verdict) {
        intake.refused(client, reversePath, paths, verdict.reply());
        return CompletableFuture.completedFuture(verdict);
    }

    @Override
    public CompletableFuture<DataVerdict> data() {
        Envelope.Builder envelope = Envelope.from(reversePath)
                .bodyType(parameters.bodyType())
                .smtpUtf8(parameters.smtpUtf8())
                .dsn(parameters.dsn());
        if (parameters.sizeBytes() >= 0) {
            envelope.declaredBytes(parameters.sizeBytes());
        }
        recipients.forEach(envelope::to);
        MessageSink taken = new MessageSink(
                intake,
                client,
                new ReceivedField.Client(helo, extended, client.remote().getAddress(), tls),
                envelope.build());
        sink = taken;
        recipients = new ArrayList<>(1);
        known = null;
        return CompletableFuture.completedFuture(new DataVerdict.Proceed(taken));
    }

    @Override
    public CompletableFuture<Verdict> etrn(MailDomain domain) {
        InetAddress address = client.remote().getAddress();
        if (!intake.etrnRate.allows(address)) {
            return CompletableFuture.completedFuture(Replies.ETRN_TOO_OFTEN);
        }
        return intake.delivery
                .etrn(domain, address)
                .handle((outcome, fault) -> {
                    if (outcome != null) {
                        return Replies.etrn(domain, outcome);
                    }
                    LOG.atWarn().setCause(fault).addKeyValue("domain", domain).log("ETRN failed");
                    return Replies.ETRN_FAULT;
                })
                .toCompletableFuture();
    }

    @Override
    public void reset() {
        reversePath = ReversePath.nullPath();
        parameters = MailParameters.none();
        known = null;
        sink = null;
        if (!recipients.isEmpty()) {
            recipients = new ArrayList<>(1);
        }
    }

    @Override
    public void close() {
        MessageSink open = sink;
        if (open != null) {
            open.abandon();
        }
    }
}
