package org.backupmx.smtp.internal.server;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.backupmx.intake.Greeting;
import org.backupmx.smtp.SmtpLimits;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one event loop, and the coarse clock by which their time is checked: one sweep a second instead of a
 * timer for each. Used on its event loop alone, but for {@link #emptied()}.
 */
public final class LoopSessions {

    private final LongSupplier nanoTime;
    private static final int REPLIES_BYTES = 1024;

    private final LoopReads reads = new LoopReads();
    private final LoopBuffer replies = new LoopBuffer(REPLIES_BYTES);
    private final Set<SmtpServerSession> sessions = new HashSet<>();
    private final CompletableFuture<Void> emptied = new CompletableFuture<>();
    private long now;
    private boolean draining;
    private @Nullable Announcement announcement;

    /** Reads the time from {@code nanoTime} at each sweep. */
    public LoopSessions(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.now = nanoTime.getAsLong();
    }

    /** Reads the clock, and cuts whoever is over time. */
    public void sweep() {
        now = nanoTime.getAsLong();
        for (SmtpServerSession session : new ArrayList<>(sessions)) {
            session.checkTime();
        }
    }

    /** Sends idle sessions away, and others when their transaction is over. */
    public void drain() {
        draining = true;
        for (SmtpServerSession session : new ArrayList<>(sessions)) {
            session.drain();
        }
        completeIfEmpty();
    }

    /** Sends all sessions away. */
    public void cut() {
        draining = true;
        for (SmtpServerSession session : new ArrayList<>(sessions)) {
            session.cut(FixedReply.STOPPING);
        }
        completeIfEmpty();
    }

    /** Completes once there is no session left after {@link #drain} or {@link #cut}. */
    public CompletableFuture<Void> emptied() {
        return emptied;
    }

    /** How this loop's connections read. */
    LoopReads reads() {
        return reads;
    }

    /** Where this loop's sessions put their replies. */
    LoopBuffer replies() {
        return replies;
    }

    boolean isDraining() {
        return draining;
    }

    /** The time of the last sweep, in nanoseconds. */
    long now() {
        return now;
    }

    void add(SmtpServerSession session) {
        sessions.add(session);
    }

    void remove(SmtpServerSession session) {
        sessions.remove(session);
        completeIfEmpty();
    }

    private void completeIfEmpty() {
        if (draining && sessions.isEmpty()) {
            emptied.complete(null);
        }
    }

    /** Returns the announcement for a greeting; it is mostly the same as the last time. */
    Announcement announcement(Greeting.Welcome welcome, SmtpLimits limits) {
        Announcement last = announcement;
        if (last == null || !last.fits(welcome)) {
            last = new Announcement(welcome, limits);
            announcement = last;
        }
        return last;
    }
}
