package org.backupmx.internal.queue;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.backupmx.intake.SenderVerification;
import org.backupmx.internal.dsn.Dsn;
import org.backupmx.internal.dsn.DsnComposer;
import org.backupmx.internal.dsn.DsnKind;
import org.backupmx.internal.dsn.DsnRate;
import org.backupmx.internal.dsn.FailedRecipient;
import org.backupmx.internal.dsn.SenderMark;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.MailData;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes DSNs into the spool, and knows to whom they may go. Runs on workers; thread-safe. */
final class Notifier {

    private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);

    private final Delivery delivery;
    private final DsnComposer composer;
    private final DsnRate rate;
    private final Consumer<Envelope> committed;
    private final Predicate<MailDomain> honours;

    /** Makes a notifier; {@code honours} tells whether REQUIRETLS is honoured on the way to a domain now. */
    Notifier(Delivery delivery, Consumer<Envelope> committed, Predicate<MailDomain> honours) {
        this.delivery = delivery;
        this.composer = new DsnComposer(delivery.config.hostname(), delivery.config.clock(), delivery.runtime.random());
        this.rate = new DsnRate(delivery.runtime.nanoTime());
        this.committed = committed;
        this.honours = honours;
    }

    /** Tells whether the sender of a message was verified at intake. Blocks. */
    boolean isVerified(SpoolLease lease) {
        try {
            return SenderMark.read(new SpooledMailData(delivery.spool, lease.message()), lease.id())
                    instanceof SenderVerification.Verified;
        } catch (IOException e) {
            LOG.atWarn().setCause(e).addKeyValue("spoolId", lease.id()).log("mail data not read for its sender");
            return false;
        }
    }

    /**
     * Tells whether a DSN about a message can go as the message had to: where REQUIRETLS was asked for it has to be asked for
     * again (RFC 8689 section 5), and few domains of senders are ones that we can do that for.
     */
    boolean isSafe(SpoolLease lease, Mailbox to) {
        return !lease.message().envelope().requireTls() || honours.test(to.domain());
    }

    /** Counts a DSN; false if too many have gone. */
    boolean allows(Mailbox to, MailDomain about) {
        return rate.allows(to, about);
    }

    /**
     * Composes a DSN and stores it.
     *
     * @param recipients whom it is about, each of whom wants it
     * @param until until when it is tried, if that is to be told
     * @param isVerified the verdict on the sender, for the count of what must not be
     * @return completes, on a worker, when it is on stable storage, or fails
     */
    CompletionStage<Void> store(
            DsnKind kind,
            AttemptOutcome outcome,
            List<FailedRecipient> recipients,
            @Nullable Instant until,
            boolean isVerified) {
        Dsn dsn;
        CompletionStage<SpoolId> stored;
        try {
            dsn = compose(kind, outcome, recipients, until);
            stored = write(dsn, outcome.now);
        } catch (IOException | RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
        return stored.thenAcceptAsync(
                id -> {
                    delivery.counts.dsnSent(isVerified);
                    committed.accept(dsn.envelope());
                },
                delivery.runtime.workers());
    }

    private Dsn compose(DsnKind kind, AttemptOutcome outcome, List<FailedRecipient> recipients, @Nullable Instant until)
            throws IOException {
        MailData data = new SpooledMailData(delivery.spool, outcome.lease.message());
        Optional<Dsn> dsn;
        try {
            dsn = composer.compose(kind, outcome.lease.message(), recipients, until, data);
        } catch (SpoolDamagedException e) {
            LOG.atError().setCause(e).addKeyValue("spoolId", outcome.lease.id()).log("mail data damaged");
            dsn = composer.compose(kind, outcome.lease.message(), recipients, until, NoMailData.INSTANCE);
        }
        return dsn.orElseThrow();
    }

    private CompletionStage<SpoolId> write(Dsn dsn, Instant now) throws SpoolException {
        try (SpoolWriter writer = delivery.spool.begin(dsn.envelope(), now)) {
            writer.write(dsn.mailData());
            return writer.commit();
        }
    }
}
