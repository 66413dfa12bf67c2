package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How much mail a primary may be given in a minute, and in which hours. Mail goes evenly: what a cap allows in a tenth of a
 * second, at least one message, may go at once. An attempt counts as one message, at however many hosts. Immutable and
 * thread-safe.
 *
 * <p>Caps are the primary's: where its domains have different ones, the lowest holds for all of them together. Hours are the
 * domain's own.
 */
public final class DeliveryRate {

    /** The least {@link #withBytesPerMinute}: {@value}, which is 64 KiB. */
    public static final long MIN_BYTES_PER_MINUTE = 65_536;

    /** The most {@link #withMessagesPerMinute}: {@value}. */
    public static final int MAX_MESSAGES_PER_MINUTE = 6_000_000;

    private static final DeliveryRate UNLIMITED = new DeliveryRate(0, 0, DeliveryHours.always());

    private final int messagesPerMinute; // 0 for no cap
    private final long bytesPerMinute; // 0 for no cap
    private final DeliveryHours hours;

    private DeliveryRate(int messagesPerMinute, long bytesPerMinute, DeliveryHours hours) {
        this.messagesPerMinute = messagesPerMinute;
        this.bytesPerMinute = bytesPerMinute;
        this.hours = hours;
    }

    /**
     * Returns the rate without a cap, at every hour.
     *
     * @return no limit
     */
    public static DeliveryRate unlimited() {
        return UNLIMITED;
    }

    /**
     * Returns this rate with a cap of messages. In no minute more attempts begin than that and, on top, what it is in a tenth
     * of a second.
     *
     * @param value attempts in a minute, 1 to {@value #MAX_MESSAGES_PER_MINUTE}
     * @return a copy
     * @throws IllegalArgumentException if it is out of range
     */
    public DeliveryRate withMessagesPerMinute(int value) {
        if (value < 1 || value > MAX_MESSAGES_PER_MINUTE) {
            throw new IllegalArgumentException(
                    "messagesPerMinute: " + value + " (expected: 1 to " + MAX_MESSAGES_PER_MINUTE + ")");
        }
        return new DeliveryRate(value, bytesPerMinute, hours);
    }

    /**
     * Returns this rate with a cap of mail data. In no minute attempts of more bytes begin than that and what it is in a tenth
     * of a second, but for the last message: one that is larger than the cap goes, too, and others wait the longer.
     *
     * @param value bytes in a minute, at least {@value #MIN_BYTES_PER_MINUTE}
     * @return a copy
     * @throws IllegalArgumentException if it is less
     */
    public DeliveryRate withBytesPerMinute(long value) {
        if (value < MIN_BYTES_PER_MINUTE) {
            throw new IllegalArgumentException(
                    "bytesPerMinute: " + value + " (expected: >= " + MIN_BYTES_PER_MINUTE + ")");
        }
        return new DeliveryRate(messagesPerMinute, value, hours);
    }

    /**
     * Returns this rate with other hours. Outside of them no attempt begins, and no mail expires; probes go on, and so do
     * attempts under way. When they begin, all that waits goes, whenever it is due.
     *
     * @param value the hours
     * @return a copy
     */
    public DeliveryRate withHours(DeliveryHours value) {
        return new DeliveryRate(messagesPerMinute, bytesPerMinute, requireNonNull(value, "value"));
    }

    /**
     * Returns the cap of messages.
     *
     * @return attempts in a minute, empty for no cap
     */
    public OptionalInt messagesPerMinute() {
        return messagesPerMinute == 0 ? OptionalInt.empty() : OptionalInt.of(messagesPerMinute);
    }

    /**
     * Returns the cap of mail data.
     *
     * @return bytes in a minute, empty for no cap
     */
    public OptionalLong bytesPerMinute() {
        return bytesPerMinute == 0 ? OptionalLong.empty() : OptionalLong.of(bytesPerMinute);
    }

    /**
     * Returns the hours.
     *
     * @return when attempts may begin
     */
    public DeliveryHours hours() {
        return hours;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DeliveryRate rate
                && rate.messagesPerMinute == messagesPerMinute
                && rate.bytesPerMinute == bytesPerMinute
                && rate.hours.equals(hours);
    }

    @Override
    public int hashCode() {
        return Objects.hash(messagesPerMinute, bytesPerMinute, hours);
    }

    @Override
    public String toString() {
        return "messages " + (messagesPerMinute == 0 ? "unlimited" : messagesPerMinute + "/min") + ", bytes "
                + (bytesPerMinute == 0 ? "unlimited" : bytesPerMinute + "/min") + ", hours " + hours;
    }
}
