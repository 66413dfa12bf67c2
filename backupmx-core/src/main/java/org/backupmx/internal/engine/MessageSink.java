package org.backupmx.internal.engine;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.SenderVerification;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Recipient;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one message to the spool. While it is no larger than the spool takes without blocking, everything happens on
 * the calling event loop; from then on, each step on a worker.
 *
 * <p>The first fault decides the verdict; what follows is swallowed, as the client cannot be stopped. A step may run
 * while {@link #abandon()} is called: the lock makes one wait for the other.
 */
final class MessageSink implements MailDataSink {

    private static final Logger LOG = LoggerFactory.getLogger(MessageSink.class);

    private static final CompletableFuture<Void> TAKEN = CompletableFuture.completedFuture(null);

    private final IntakeService intake;
    private final ClientInfo client;
    private final ReceivedField.Client from;
    private final SenderVerification sender;
    private final Envelope envelope;
    private final long maxBytes;
    private final int nonBlockingBytes;
    private final Instant receivedAt;

    // guarded by this
    private final HopCounter hops = new HopCounter();
    private final @Nullable HeaderOctets header; // null if any octets will do
    private final @Nullable MessageDigest digest; // null if repeats are not looked for
    private @Nullable SpoolWriter writer;
    private @Nullable Verdict refusal;
    private long mailDataBytes;
    private long fieldBytes;
    private boolean over; // finished or abandoned

    private boolean blocking; // used by the caller only

    /**
     * Makes a sink.
     *
     * @param maxBytes the largest mail data that is taken
     * @param asciiHeader whether a header section with octets beyond ASCII is refused
     */
    MessageSink(
            IntakeService intake,
            ClientInfo client,
            ReceivedField.Client from,
            SenderVerification sender,
            Envelope envelope,
            long maxBytes,
            boolean asciiHeader) {
        this.intake = intake;
        this.client = client;
        this.from = from;
        this.sender = sender;
        this.envelope = envelope;
        this.maxBytes = maxBytes;
        this.header = asciiHeader ? new HeaderOctets() : null;
        this.digest = intake.repeats.digest(from.address(), envelope);
        this.nonBlockingBytes = intake.spool.nonBlockingBytes();
        this.receivedAt = intake.runtime.now();
        this.blocking = nonBlockingBytes == 0;
    }

    @Override
    public CompletionStage<Void> write(ByteBuffer mailData) {
        // the field is counted with room to spare: it must not be what makes the spool block
        blocking |= mailDataBytes + mailData.remaining() + 2048 > nonBlockingBytes;
        if (!blocking) {
            take(mailData);
            return TAKEN;
        }
        return CompletableFuture.runAsync(() -> take(mailData), intake.runtime.workers());
    }

    private synchronized void take(ByteBuffer mailData) {
        mailDataBytes += mailData.remaining();
        if (refusal != null || over) {
            return;
        }
        hops.scan(mailData);
        if (mailDataBytes > maxBytes) {
            refuse(Replies.TOO_LARGE);
        } else if (header != null && header.areBeyondAscii(mailData)) {
            refuse(Replies.NO_SMTPUTF8_HEADER);
        } else if (hops.isLooping()) {
            refuse(Replies.LOOP);
        } else {
            if (digest != null) {
                digest.update(mailData.duplicate());
            }
            try {
                writer().write(mailData);
            } catch (SpoolException | RuntimeException e) {
                fail(e);
            }
        }
    }

    private SpoolWriter writer() throws SpoolException {
        SpoolWriter open = writer;
        if (open == null) {
            open = intake.spool.begin(envelope, receivedAt);
            writer = open;
            ByteBuffer field =
                    ReceivedField.compose(from, sender, intake.config.hostname(), open.id(), envelope, receivedAt);
            fieldBytes = field.remaining();
            open.write(field);
        }
        return open;
    }

    private void fail(Exception fault) {
        log(fault);
        refuse(verdict(fault));
    }

    private void log(Throwable fault) {
        if (fault instanceof SpoolFullException) {
            // no trace: a full disk says this for every message
            LOG.atWarn().addKeyValue("client", from.address().getHostAddress()).log("spool full, message deferred");
        } else {
            LOG.atError()
                    .setCause(fault)
                    .addKeyValue("client", from.address().getHostAddress())
                    .log("message not stored");
        }
    }

    private static Verdict verdict(Throwable fault) {
        return fault instanceof SpoolFullException ? Replies.NO_ROOM : Replies.LOCAL_FAULT;
    }

    private void refuse(Verdict verdict) {
        refusal = verdict;
        closeWriter();
    }

    private void closeWriter() {
        SpoolWriter open = writer;
        writer = null;
        if (open != null) {
            open.close();
        }
    }

    @Override
    public CompletionStage<Verdict> finish() {
        if (!blocking) {
            return commit();
        }
        return CompletableFuture.supplyAsync(this::commit, intake.runtime.workers())
                .thenCompose(verdict -> verdict);
    }

    private synchronized CompletionStage<Verdict> commit() {
        if (over) {
            return CompletableFuture.completedFuture(Replies.LOCAL_FAULT);
        }
        over = true;
        Verdict refused = refusal;
        if (refused != null) {
            return CompletableFuture.completedFuture(told(refused));
        }
        byte[] whole = digest == null ? null : digest.digest();
        Optional<SpoolId> before = whole == null ? Optional.empty() : intake.repeats.find(whole);
        if (before.isPresent()) {
            closeWriter();
            intake.repeated(before.get(), envelope, client);
            return CompletableFuture.completedFuture(Replies.queued(before.get()));
        }
        try (SpoolWriter open = writer()) {
            SpoolId id = open.id();
            intake.delivery.commitBegins(id);
            CompletionStage<SpoolId> commit;
            try {
                commit = open.commit();
            } catch (SpoolException | RuntimeException e) {
                commit = CompletableFuture.failedFuture(e);
            }
            return commit.handle((committed, fault) -> ended(id, whole, fault));
        } catch (SpoolException | RuntimeException e) {
            fail(e);
            return CompletableFuture.completedFuture(told(verdict(e)));
        } finally {
            writer = null;
        }
    }

    /** The end of the commit, perhaps on a thread of the spool: short. */
    private Verdict ended(SpoolId id, byte @Nullable [] whole, @Nullable Throwable fault) {
        if (fault == null) {
            if (whole != null) {
                intake.repeats.accepted(whole, id);
            }
            intake.accepted(id, envelope, receivedAt, mailDataBytes + fieldBytes, client);
            return Replies.queued(id);
        }
        intake.delivery.commitEnded(id, envelope);
        Throwable cause = fault instanceof CompletionException && fault.getCause() != null ? fault.getCause() : fault;
        log(cause);
        return told(verdict(cause));
    }

    private Verdict told(Verdict refused) {
        intake.refused(
                client,
                envelope.reversePath(),
                envelope.recipients().stream().map(Recipient::path).toList(),
                refused.reply());
        return refused;
    }

    @Override
    public void abandon() {
        if (blocking) {
            intake.runtime.execute(this::abandonNow);
        } else {
            abandonNow();
        }
    }

    private synchronized void abandonNow() {
        if (!over) {
            over = true;
            closeWriter();
        }
    }
}
