package org.backupmx.internal.engine;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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
import org.backupmx.intake.SenderVerification;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.intake.Verdict;
import org.backupmx.internal.queue.PrimaryLimits;
import org.backupmx.internal.runtime.DnsUnavailableException;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.spool.SpoolHealth;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides for one connection. One call at a time, as the port promises; what a worker writes here is there for the
 * next call, which comes after its stage.
 */
final class Session implements IntakeSession {

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** A recipient that is not accepted yet, and what its domain takes: the largest mail data, and SMTPUTF8. */
    private record Candidate(Recipient recipient, long maxBytes, boolean takesSmtpUtf8) {
        Mailbox mailbox() {
            return recipient.path().mailbox();
        }
    }

    private final IntakeService intake;
    private final ClientInfo client;

    // the connection
    private String helo = "";
    private boolean extended;
    private @Nullable String tls;

    // the transaction
    private ReversePath reversePath = ReversePath.nullPath();
    private MailParameters parameters = MailParameters.none();
    private AcceptedRecipients recipients = new AcceptedRecipients();
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
    public boolean offersRequireTls() {
        return intake.delivery.anyHonoursRequireTls();
    }

    @Override
    public CompletableFuture<Verdict> mail(ReversePath path, MailParameters given) {
        reset();
        reversePath = path;
        SpoolHealth health = intake.spool.health();
        if (!health.isAccepting()) {
            boolean isFault = health instanceof SpoolHealth.Refusing;
            return refused(List.of(), isFault ? Replies.LOCAL_FAULT : Replies.NO_ROOM);
        }
        if (given.sizeBytes() > intake.config.maxMessageBytes()) {
            return refused(List.of(), Replies.TOO_LARGE);
        }
        if (given.requireTls() && tls == null) {
            return refused(List.of(), Replies.REQUIRETLS_IN_CLEAR);
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
        if (!intake.directory.hasMore()) {
            return refused(List.of(path), Replies.FOREIGN);
        }
        CompletableFuture<Optional<RelayDomain>> found = intake.directory.find(path.domain());
        return found.handle((domain, fault) -> {
                    if (domain == null) {
                        return notFound(recipient, fault);
                    }
                    return domain.map(settings -> inDomain(settings, recipient))
                            .orElseGet(() -> refused(List.of(path), Replies.FOREIGN));
                })
                .thenCompose(verdict -> verdict);
    }

    /** It cannot be told whether the domain is ours. */
    private CompletableFuture<Verdict> notFound(Recipient recipient, Throwable fault) {
        Throwable cause = fault instanceof CompletionException e && e.getCause() != null ? e.getCause() : fault;
        if (!(cause instanceof DnsUnavailableException)) {
            return faulted(recipient, "look-up of the domain", cause);
        }
        LOG.atInfo()
                .addKeyValue("domain", recipient.path().domain())
                .addKeyValue("reason", cause.getMessage())
                .log("no answer of the DNS on a recipient's domain");
        return refused(List.of(recipient.path()), Replies.DNS_UNAVAILABLE);
    }

    /** Whoever asks for a postmaster without a domain asks for ours: that is no primary's mail. */
    @Override
    public CompletableFuture<Verdict> postmaster(RcptParameters given) {
        ForwardPath path = new ForwardPath(intake.config.postmaster());
        if (parameters.requireTls() && intake.directory.listed(path.domain()) == null) {
            return refused(List.of(path), Replies.NO_REQUIRETLS); // a stranger's server, that nobody asks anything
        }
        try {
            Candidate candidate = candidate(given.recipient(path), Long.MAX_VALUE);
            Verdict mismatch = mismatch(candidate);
            return mismatch == null ? role(candidate) : refused(candidate, mismatch);
        } catch (IllegalArgumentException e) {
            return refused(List.of(path), Replies.BAD_PARAMETER);
        }
    }

    private CompletableFuture<Verdict> inDomain(RelayDomain domain, Recipient recipient) {
        Candidate candidate = candidate(recipient, domain.maxMessageBytes().orElse(Long.MAX_VALUE));
        if (isRouted(candidate.mailbox().localPart()) && !intake.config.allowRoutedLocalParts()) {
            return refused(candidate, Replies.ROUTED);
        }
        if (domain.requiresTls() && tls == null) {
            return refused(candidate, Replies.TLS_REQUIRED);
        }
        Verdict mismatch = mismatch(candidate);
        if (mismatch != null) {
            return refused(candidate, mismatch);
        }
        if (!intake.gate.isFor(domain)) {
            return known(domain, candidate);
        }
        // Before the recipient policy, the greylist and the role mailboxes: all of them may cost more, the policy may
        // have to ask somebody, and a flood that is not for us shall cost nobody anything. It also tells strangers
        // nothing of who exists. What is refused for good, whoever sends it (above), is better known at once.
        return intake.gate
                .admits(client.remote().getAddress(), reversePath, candidate.mailbox())
                .thenCompose(isAdmitted -> isAdmitted
                        ? known(domain, candidate)
                        : refused(
                                candidate,
                                Replies.primaryIsUp(candidate.mailbox().domain())));
    }

    /** What is promised here is kept elsewhere: by what the primary has said of itself, and what is set for its domain. */
    private Candidate candidate(Recipient recipient, long ownLimit) {
        PrimaryLimits limits = intake.delivery.limits(recipient.path().domain());
        long maxBytes = Math.min(Math.min(ownLimit, limits.maxMessageBytes()), intake.config.maxMessageBytes());
        return new Candidate(recipient, maxBytes, limits.takesSmtpUtf8());
    }

    /** Why the domain cannot take the message, as far as that shows by now: its header section comes later. */
    private @Nullable Verdict mismatch(Candidate candidate) {
        if (parameters.sizeBytes() > candidate.maxBytes()) {
            return Replies.TOO_LARGE;
        }
        boolean needsSmtpUtf8 = candidate.mailbox().needsSmtpUtf8()
                || reversePath.mailbox().map(Mailbox::needsSmtpUtf8).orElse(false);
        if (needsSmtpUtf8 && !candidate.takesSmtpUtf8()) {
            return Replies.NO_SMTPUTF8;
        }
        return parameters.requireTls() ? withoutRequireTls(candidate.mailbox().domain()) : null;
    }

    /** Why REQUIRETLS cannot be promised; null if it can. What is not known is asked for. */
    private @Nullable Verdict withoutRequireTls(MailDomain domain) {
        return switch (intake.delivery.requireTls(domain)) {
            case HONOURED -> null;
            case IMPOSSIBLE -> Replies.NO_REQUIRETLS;
            case UNKNOWN -> {
                intake.delivery.learn(domain);
                yield Replies.REQUIRETLS_UNKNOWN;
            }
        };
    }

    private CompletableFuture<Verdict> known(RelayDomain domain, Candidate candidate) {
        Mailbox mailbox = candidate.mailbox();
        if (isRole(mailbox.localPart())) {
            return role(candidate);
        }
        RecipientPolicy policy = domain.recipients().orElse(intake.config.recipientPolicy());
        if (policy.mayBlock()) {
            return intake.runtime
                    .ask(() -> policy.status(mailbox))
                    .handle((status, fault) -> status == null
                            ? faulted(candidate.recipient(), "recipient policy", fault)
                            : judged(status, candidate))
                    .thenCompose(verdict -> verdict);
        }
        try {
            return judged(policy.status(mailbox), candidate);
        } catch (Exception e) {
            return faulted(candidate.recipient(), "recipient policy", e);
        }
    }

    /** What the primary may read as an order to relay elsewhere: the percent hack, a UUCP path, a second domain. */
    private static boolean isRouted(String localPart) {
        return localPart.indexOf('%') >= 0 || localPart.indexOf('!') >= 0 || localPart.indexOf('@') >= 0;
    }

    /** Past every policy: RFC 5321 section 4.5.1 and RFC 2142. */
    private static boolean isRole(String localPart) {
        return localPart.equalsIgnoreCase("postmaster") || localPart.equalsIgnoreCase("abuse");
    }

    private CompletableFuture<Verdict> role(Candidate candidate) {
        return intake.roleMail.admits(client.remote().getAddress(), candidate.mailbox())
                ? add(candidate)
                : refused(candidate, Replies.TOO_MUCH_ROLE_MAIL);
    }

    private CompletableFuture<Verdict> judged(RecipientStatus status, Candidate candidate) {
        Recipient recipient = candidate.recipient();
        if (status != RecipientStatus.EXISTS) {
            return refused(
                    candidate,
                    status == RecipientStatus.UNKNOWN ? Replies.UNKNOWN_RECIPIENT : Replies.UNSURE_RECIPIENT);
        }
        GreylistPolicy greylist = intake.config.greylist();
        GreylistTriplet triplet = new GreylistTriplet(client.remote().getAddress(), reversePath, recipient.path());
        if (greylist.mayBlock()) {
            return intake.runtime
                    .ask(() -> greylist.decide(triplet, intake.runtime.now()))
                    .handle((decision, fault) ->
                            decision == null ? faulted(recipient, "greylist", fault) : greylisted(decision, candidate))
                    .thenCompose(verdict -> verdict);
        }
        try {
            GreylistDecision decision = greylist.decide(triplet, intake.runtime.now());
            return decision == null ? faulted(recipient, "greylist", null) : greylisted(decision, candidate);
        } catch (RuntimeException e) {
            return faulted(recipient, "greylist", e);
        }
    }

    private CompletableFuture<Verdict> greylisted(GreylistDecision decision, Candidate candidate) {
        return decision instanceof GreylistDecision.Wait wait
                ? refused(candidate, Replies.greylisted(wait.left()))
                : add(candidate);
    }

    private CompletableFuture<Verdict> add(Candidate candidate) {
        if (recipients.contains(candidate.mailbox())) {
            return Replies.RECIPIENT_OK;
        }
        if (recipients.size() >= intake.config.maxRecipients()) {
            return refused(candidate, Replies.TOO_MANY_RECIPIENTS);
        }
        if (!recipients.isEmpty() && parameters.sizeBytes() < 0 && recipients.maxBytes() != candidate.maxBytes()) {
            // too large for one of them, it could be neither taken nor refused for both
            return refused(candidate, Replies.OTHER_SIZE_LIMIT);
        }
        if (!recipients.isEmpty() && parameters.smtpUtf8() && recipients.takesSmtpUtf8() != candidate.takesSmtpUtf8()) {
            // likewise, if its header section turns out to need it
            return refused(candidate, Replies.OTHER_SMTPUTF8);
        }
        recipients.add(candidate.recipient(), candidate.maxBytes(), candidate.takesSmtpUtf8());
        return Replies.RECIPIENT_OK;
    }

    private CompletableFuture<Verdict> faulted(Recipient recipient, String what, @Nullable Throwable fault) {
        LOG.atWarn()
                .setCause(fault)
                .addKeyValue("rcpt", recipient)
                .addKeyValue("policy", what)
                .log("policy failed");
        return refused(List.of(recipient.path()), Replies.LOCAL_FAULT);
    }

    private CompletableFuture<Verdict> refused(Candidate candidate, Verdict verdict) {
        return refused(List.of(candidate.recipient().path()), verdict);
    }

    private CompletableFuture<Verdict> refused(List<ForwardPath> paths, Verdict verdict) {
        intake.refused(client, reversePath, paths, verdict.reply());
        return CompletableFuture.completedFuture(verdict);
    }

    @Override
    public CompletableFuture<DataVerdict> data() {
        SenderVerifier verifier = intake.config.senderVerifier();
        if (reversePath.isNull()) {
            return proceed(SenderVerification.unverified());
        }
        if (verifier.mayBlock()) {
            return intake.runtime
                    .ask(() -> verifier.verify(client, helo, reversePath))
                    .handle(this::verified)
                    .thenCompose(this::proceed);
        }
        try {
            return proceed(verified(verifier.verify(client, helo, reversePath), null));
        } catch (Exception e) {
            return proceed(verified(null, e));
        }
    }

    /** A verdict, or none: mail of senders who cannot be verified is taken all the same, and nobody is told of its fate. */
    private SenderVerification verified(@Nullable SenderVerification verdict, @Nullable Throwable fault) {
        if (verdict != null) {
            return verdict;
        }
        LOG.atWarn()
                .setCause(fault)
                .addKeyValue("reversePath", reversePath)
                .log("sender not verified, verifier failed");
        return SenderVerification.unverified();
    }

    private CompletableFuture<DataVerdict> proceed(SenderVerification sender) {
        Envelope.Builder envelope = Envelope.from(reversePath)
                .bodyType(parameters.bodyType())
                .smtpUtf8(parameters.smtpUtf8())
                .requireTls(parameters.requireTls())
                .dsn(parameters.dsn());
        if (parameters.sizeBytes() >= 0) {
            envelope.declaredBytes(parameters.sizeBytes());
        }
        recipients.all().forEach(envelope::to);
        MessageSink taken = new MessageSink(
                intake,
                client,
                new ReceivedField.Client(
                        helo,
                        extended,
                        client.name().orElse(null),
                        client.remote().getAddress(),
                        tls),
                sender,
                envelope.build(),
                recipients.maxBytes(),
                parameters.smtpUtf8() && !recipients.takesSmtpUtf8());
        sink = taken;
        recipients = new AcceptedRecipients();
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
        sink = null;
        if (!recipients.isEmpty()) {
            recipients = new AcceptedRecipients();
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
