package org.backupmx.internal.queue;

import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.mail.SmtpReply;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of one message's flight. Whatever is thrown on the way, it comes, and once: the lease is over, its permits are
 * given back, the lane is told. Thread-safe, except that a permit is taken before anything begins.
 */
final class Landing implements Settler.Done {

    /** What is kept with the recipients of an attempt that failed by a fault of ours. */
    static final SmtpReply OUR_FAULT = SmtpReply.of(451, "4.3.0", "Local fault during the attempt");

    private static final Logger LOG = LoggerFactory.getLogger(Landing.class);

    private final Delivery delivery;
    private final DomainLane lane;
    private final HeldLease held;
    private final AtomicBoolean over = new AtomicBoolean();
    private @Nullable PrimaryPermits permits; // set before the attempt starts
    private long began;
    private volatile DrainPace.Answer answer = DrainPace.Answer.OTHER;

    Landing(Delivery delivery, DomainLane lane, HeldLease held) {
        this.delivery = delivery;
        this.lane = lane;
        this.held = held;
    }

    /** An attempt begins with a permit of these, and one of all. */
    void begins(PrimaryPermits of) {
        permits = of;
        began = of.begins(held.lease().message().sizeBytes());
    }

    /** Takes what the attempt says of the speed of whom it was made at. */
    void answered(DrainPace.Answer said) {
        answer = said;
    }

    /** Takes a step of the way; a message whose settlement fails is kept. */
    void contained(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            LOG.atError().setCause(e).addKeyValue("spoolId", held.id()).log("attempt not settled, message kept");
            if (!over.get()) {
                unused();
            }
        }
    }

    /** Takes an attempt that failed by a fault of ours, and the step that keeps its message. */
    void faulted(Throwable fault, Runnable keep) {
        LOG.atError().setCause(fault).addKeyValue("spoolId", held.id()).log("attempt failed by our fault");
        contained(keep);
    }

    /** Ends without an attempt: the message is as it was. */
    void unused() {
        delivery.keeper.release(held);
        settled(true);
    }

    @Override
    public void settled(boolean remains) {
        if (over.compareAndSet(false, true)) {
            PrimaryPermits of = permits;
            if (of != null) {
                of.ended(answer, began);
                delivery.permits.release();
            }
            lane.ended(remains);
        }
    }
}
