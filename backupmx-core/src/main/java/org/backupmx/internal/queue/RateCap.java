package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.backupmx.relay.DeliveryRate;

/**
 * The caps of a primary in messages and bytes a minute, the lowest of its domains: each attempt is paid for by a time in which
 * no other begins. Of the last of it {@link #AT_ONCE} is let off, so that late timers cost nothing.
 *
 * <p>Times are nanoseconds of one source. Not thread-safe.
 */
final class RateCap {

    /** What is allowed in this time may begin at once. */
    static final Duration AT_ONCE = Duration.ofMillis(100);

    private static final double MINUTE = Duration.ofMinutes(1).toNanos();

    /**
     * Until when attempts are paid for.
     *
     * @param messages by their number
     * @param bytes by their size
     */
    record Paid(long messages, long bytes) {
        static final Paid NOTHING = new Paid(Long.MIN_VALUE, Long.MIN_VALUE);

        boolean isOver(long now) {
            return messages <= now && bytes <= now;
        }
    }

    private final Map<Object, DeliveryRate> capped = new HashMap<>();
    private final Map<DeliveryRate, Integer> rates = new HashMap<>(); // how many lanes have each
    private long messageNanos; // 0 for no cap
    private double byteNanos; // 0 for no cap
    private Paid paid;

    /** Makes caps that there are none of yet, after attempts that were paid for. */
    RateCap(Paid paid) {
        this.paid = paid;
    }

    /** Takes the rate of a lane that leads to the primary. */
    void follows(Object lane, DeliveryRate rate) {
        boolean hasCap =
                rate.messagesPerMinute().isPresent() || rate.bytesPerMinute().isPresent();
        DeliveryRate before = hasCap ? capped.put(lane, rate) : capped.remove(lane);
        if (before != null) {
            rates.computeIfPresent(before, (key, count) -> count == 1 ? null : count - 1);
        }
        if (hasCap) {
            rates.merge(rate, 1, Integer::sum);
        }
        if (hasCap || before != null) {
            lowest();
        }
    }

    /** Takes a lane that is gone. */
    void left(Object lane) {
        if (!capped.isEmpty()) {
            follows(lane, DeliveryRate.unlimited());
        }
    }

    private void lowest() {
        int messages = Integer.MAX_VALUE;
        long bytes = Long.MAX_VALUE;
        for (DeliveryRate rate : rates.keySet()) {
            messages = Math.min(messages, rate.messagesPerMinute().orElse(Integer.MAX_VALUE));
            bytes = Math.min(bytes, rate.bytesPerMinute().orElse(Long.MAX_VALUE));
        }
        messageNanos = messages == Integer.MAX_VALUE ? 0 : (long) Math.ceil(MINUTE / messages);
        byteNanos = bytes == Long.MAX_VALUE ? 0 : MINUTE / bytes;
    }

    /** Tells whether there is no cap. */
    boolean isNone() {
        return messageNanos == 0 && byteNanos == 0;
    }

    /** Returns when the next attempt may begin; in the past if at once. */
    long opensAt() {
        long messages = messageNanos == 0 ? Long.MIN_VALUE : paid.messages();
        long bytes = byteNanos == 0 ? Long.MIN_VALUE : paid.bytes();
        long until = Math.max(messages, bytes);
        return until == Long.MIN_VALUE ? until : until - AT_ONCE.toNanos();
    }

    /** Takes an attempt that begins. */
    void began(long now, long bytes) {
        if (!isNone()) {
            paid = new Paid(
                    Math.max(paid.messages(), now) + messageNanos,
                    Math.max(paid.bytes(), now) + (long) Math.ceil(bytes * byteNanos));
        }
    }

    /** Returns until when attempts are paid for. */
    Paid paid() {
        return paid;
    }
}
