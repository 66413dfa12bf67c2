package org.backupmx.internal.queue;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/** How many messages a second a primary takes, counted over the last second, or minute if they are few. Not thread-safe. */
final class TakenRate {

    private static final int SECONDS = 60;
    /** Fewer in a second are no measure. */
    private static final int ENOUGH = 5;

    private final int[] counts = new int[SECONDS];
    private long second = Long.MIN_VALUE; // that of the newest count

    void clear() {
        Arrays.fill(counts, 0);
        second = Long.MIN_VALUE;
    }

    void add(long now) {
        advance(now);
        counts[(int) Math.floorMod(second, (long) SECONDS)]++;
    }

    /** Returns the rate; 0 if nothing was taken within a minute. */
    double perSecond(long now) {
        advance(now);
        long nanos = TimeUnit.SECONDS.toNanos(1);
        double over = (double) Math.floorMod(now, nanos) / nanos;
        double lastSecond = count(0) + (1 - over) * count(1);
        if (lastSecond >= ENOUGH) {
            return lastSecond;
        }
        long sum = 0;
        int oldest = 0;
        for (int i = 0; i < SECONDS; i++) {
            if (count(i) > 0) {
                sum += count(i);
                oldest = i;
            }
        }
        return sum / Math.max(1, oldest + over);
    }

    private int count(int secondsAgo) {
        return counts[(int) Math.floorMod(second - secondsAgo, (long) SECONDS)];
    }

    private void advance(long now) {
        long current = Math.floorDiv(now, TimeUnit.SECONDS.toNanos(1));
        if (second == Long.MIN_VALUE || current - second >= SECONDS) {
            Arrays.fill(counts, 0);
        } else {
            for (long passed = second + 1; passed <= current; passed++) {
                counts[(int) Math.floorMod(passed, (long) SECONDS)] = 0;
            }
        }
        second = Math.max(second, current);
    }
}
