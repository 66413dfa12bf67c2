package org.backupmx.internal.queue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Queues a message anew, so that its age begins again: when it was received stands in the spool once and for all, so a copy
 * takes its place. The message is held while it is copied, and goes when the copy is durable: a crash in between leaves it
 * there, held. Thread-safe; blocks.
 */
final class MessageRenewal {

    private static final int PIECE_BYTES = 64 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(MessageRenewal.class);

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;

    MessageRenewal(Delivery delivery, DeliveryScheduler scheduler) {
        this.delivery = delivery;
        this.scheduler = scheduler;
    }

    /** Renews a message; false if it is not queued or is being attempted, and then it is as it was. */
    boolean renew(SpoolId id) throws SpoolException {
        HoldableSpool holdable = (HoldableSpool) delivery.spool;
        Optional<QueuedMessage> before = ((FindableSpool) delivery.spool).find(id);
        if (before.isEmpty() || !holdable.hold(id)) {
            return false;
        }
        boolean wasHeld = before.get().held();
        boolean renewed = false;
        try {
            delivery.keeper.giveBack(Set.of(id));
            // held and without a lease of ours nothing changes its recipients any more
            Optional<QueuedMessage> message = ((FindableSpool) delivery.spool).find(id);
            if (message.isPresent() && !delivery.keeper.hasLease(id)) {
                SpoolId copy = copy(
                        message.get(), wasHeld && delivery.heldMail.find(id).isEmpty());
                renewed = ((DeletableSpool) delivery.spool).delete(id);
                delivery.heldMail.forget(id);
                LOG.atInfo()
                        .addKeyValue("spoolId", id)
                        .addKeyValue("copy", copy)
                        .log("message renewed");
            }
            return renewed;
        } finally {
            if (!renewed && !wasHeld) {
                holdable.release(id);
            }
        }
    }

    /** Commits a copy; nobody attempts it before it is as its original was. */
    private SpoolId copy(QueuedMessage message, boolean held) throws SpoolException {
        Envelope envelope = remaining(message);
        try (SpoolWriter writer = delivery.spool.begin(envelope, delivery.runtime.now())) {
            scheduler.commitBegins(writer.id());
            try {
                fill(writer, message.id());
                SpoolId copy = writer.commit().toCompletableFuture().join();
                if (held) {
                    ((HoldableSpool) delivery.spool).hold(copy);
                    delivery.keeper.giveBack(Set.of(copy));
                }
                return copy;
            } catch (CompletionException e) {
                throw e.getCause() instanceof SpoolException fault
                        ? fault
                        : new SpoolUnavailableException("copy of message " + message.id() + " not stored", e);
            } finally {
                scheduler.commitEnded(writer.id(), envelope);
            }
        }
    }

    private void fill(SpoolWriter writer, SpoolId id) throws SpoolException {
        byte[] piece = new byte[PIECE_BYTES];
        try (InputStream in = delivery.spool.read(id)) {
            for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
                writer.write(ByteBuffer.wrap(piece, 0, read));
            }
        } catch (SpoolException e) {
            throw e;
        } catch (IOException e) {
            throw new SpoolException("message " + id + ": cannot be read", e);
        }
    }

    /** What is final is not repeated. */
    private static Envelope remaining(QueuedMessage message) {
        Envelope whole = message.message().envelope();
        Envelope.Builder copy = Envelope.from(whole.reversePath())
                .bodyType(whole.bodyType())
                .smtpUtf8(whole.smtpUtf8())
                .requireTls(whole.requireTls())
                .dsn(whole.dsn());
        whole.declaredBytes().ifPresent(copy::declaredBytes);
        message.lanes().stream()
                .flatMap(lane -> lane.recipients().stream())
                .sorted((a, b) -> Integer.compare(a.index(), b.index()))
                .forEach(recipient -> copy.to(recipient.recipient()));
        return copy.build();
    }
}
