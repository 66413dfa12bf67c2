package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The hours in which mail may be begun toward a primary: windows of the day or of the week, each in a time zone. Immutable and
 * thread-safe.
 *
 * <p>A window opens on each of its days when the clock of its zone first shows its begin, or jumps past it, and closes when that
 * first shows its end; an end that the clock jumps past comes as much later as the clock jumped.
 */
public final class DeliveryHours {

    /** The most windows: {@value}. */
    public static final int MOST_WINDOWS = 50;

    private static final DeliveryHours ALWAYS = new DeliveryHours(Set.of());

    /** So many windows on, nobody asks how long mail takes. */
    private static final int MOST_STEPS = 1_000;

    private final List<HoursWindow> windows;

    private DeliveryHours(Set<HoursWindow> windows) {
        this.windows = List.copyOf(windows);
    }

    /**
     * Returns the hours that never end.
     *
     * @return every hour of every day
     */
    public static DeliveryHours always() {
        return ALWAYS;
    }

    /**
     * Reads windows such as {@code 22:00-06:00 Europe/Berlin} or {@code Mon-Fri,Sun 18:30-24:00 UTC}. One whose end is not
     * after its begin ends the next day. Days, the first three letters of their English names, are those of the begin; without
     * them it is every day.
     *
     * @param texts 1 to {@value #MOST_WINDOWS} windows; mail may be begun in each of them
     * @return the hours
     * @throws IllegalArgumentException if there are none or too many, or one is not written so
     */
    public static DeliveryHours parse(List<String> texts) {
        requireNonNull(texts, "texts");
        if (texts.isEmpty() || texts.size() > MOST_WINDOWS) {
            throw new IllegalArgumentException(
                    "hours: " + texts.size() + " windows (expected: 1 to " + MOST_WINDOWS + ")");
        }
        Set<HoursWindow> windows = new LinkedHashSet<>();
        texts.forEach(text -> windows.add(HoursWindow.parse(text)));
        return new DeliveryHours(windows);
    }

    /**
     * Reads windows as {@link #parse(List)} does.
     *
     * @param texts the windows
     * @return the hours
     * @throws IllegalArgumentException if there are none or too many, or one is not written as expected there
     */
    public static DeliveryHours parse(String... texts) {
        return parse(List.of(texts));
    }

    /**
     * Tells whether there is no end to them.
     *
     * @return true for {@link #always()} alone
     */
    public boolean isAlways() {
        return windows.isEmpty();
    }

    /**
     * Tells whether mail may be begun.
     *
     * @param instant when
     * @return true within a window
     */
    public boolean contains(Instant instant) {
        return isAlways() || windows.stream().anyMatch(window -> window.end(instant) != null);
    }

    /**
     * Returns when mail may be begun next.
     *
     * @param from from when on
     * @return {@code from} if it is within a window, else the begin of the next
     */
    public Instant next(Instant from) {
        if (contains(from)) {
            return from;
        }
        return windows.stream()
                .map(window -> window.nextBegin(from))
                .min(Instant::compareTo)
                .orElse(from);
    }

    /**
     * Returns when work is done that goes on within these hours only.
     *
     * @param from when it begins
     * @param work how long it takes
     * @return when it has ended; empty if that is a thousand windows away
     */
    public Optional<Instant> after(Instant from, Duration work) {
        if (isAlways()) {
            return Optional.of(from.plus(work));
        }
        Instant at = from;
        Duration left = work;
        for (int step = 0; step < MOST_STEPS; step++) {
            at = next(at);
            Instant end = end(at);
            Duration open = Duration.between(at, end);
            if (left.compareTo(open) <= 0) {
                return Optional.of(at.plus(left));
            }
            left = left.minus(open);
            at = end;
        }
        return Optional.empty();
    }

    /** The last end of the windows that are open. */
    private Instant end(Instant open) {
        Instant last = open;
        for (HoursWindow window : windows) {
            Instant end = window.end(open);
            last = end != null && end.isAfter(last) ? end : last;
        }
        return last;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DeliveryHours hours && hours.windows.equals(windows);
    }

    @Override
    public int hashCode() {
        return windows.hashCode();
    }

    /** Returns the windows as they are read. */
    @Override
    public String toString() {
        List<String> texts = new ArrayList<>();
        windows.forEach(window -> texts.add(window.toString()));
        return isAlways() ? "always" : String.join("; ", texts);
    }
}
