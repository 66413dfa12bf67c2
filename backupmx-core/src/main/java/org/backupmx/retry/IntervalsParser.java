package org.backupmx.retry;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Reads {@code 5m*3, 15m*4, 1h} and {@code 5m..4h}. One use. */
final class IntervalsParser {

    private static final int MAX_CHARS = 1000;

    private final String text;
    private int position;

    IntervalsParser(String text) {
        this.text = requireNonNull(text, "text");
        if (text.length() > MAX_CHARS) {
            throw new IllegalArgumentException(
                    "retry: " + text.length() + " characters (expected: at most " + MAX_CHARS + ")");
        }
    }

    RetryPolicy parse() {
        List<Duration> intervals = new ArrayList<>();
        do {
            int start = position;
            Duration interval = interval();
            if (acceptDots()) {
                intervals.addAll(doubled(interval));
            } else {
                long count = accept('*') ? number("how often the interval stands") : 1;
                if (count < 1 || count > Intervals.MAX_INTERVALS) {
                    position = start;
                    throw bad("1 to " + Intervals.MAX_INTERVALS + " intervals in all");
                }
                intervals.addAll(Collections.nCopies((int) count, interval));
            }
            if (intervals.size() > Intervals.MAX_INTERVALS) {
                position = start;
                throw bad("1 to " + Intervals.MAX_INTERVALS + " intervals in all");
            }
        } while (accept(','));
        if (position < text.length()) {
            throw bad("a comma, \"*\", \"..\" or the end");
        }
        return new Intervals(intervals);
    }

    /** Reads the cap, and returns the intervals up to it. */
    private List<Duration> doubled(Duration first) {
        skipSpaces();
        int start = position;
        Duration cap = interval();
        if (cap.compareTo(first) < 0) {
            position = start;
            throw bad("a cap that is no shorter than the interval before");
        }
        List<Duration> intervals = new ArrayList<>();
        for (Duration next = first; next.compareTo(cap) < 0; next = next.multipliedBy(2)) {
            intervals.add(next);
        }
        intervals.add(cap);
        return intervals;
    }

    private Duration interval() {
        skipSpaces();
        int start = position;
        long number = number("a number");
        skipSpaces();
        char unit = position < text.length() ? text.charAt(position) : ' ';
        long seconds = switch (unit) {
            case 's' -> 1;
            case 'm' -> 60;
            case 'h' -> 3600;
            case 'd' -> 86400;
            default -> throw bad("a unit: s, m, h or d");
        };
        position++;
        Duration interval = Duration.ofSeconds(number * seconds);
        if (interval.isZero() || interval.compareTo(RetryPolicy.MAX_DURATION) > 0) {
            position = start;
            throw bad("an interval of 1s to " + RetryPolicy.MAX_DURATION.toDays() + "d");
        }
        return interval;
    }

    private long number(String expected) {
        skipSpaces();
        int start = position;
        long value = 0;
        while (position < text.length() && text.charAt(position) >= '0' && text.charAt(position) <= '9') {
            value = value * 10 + (text.charAt(position++) - '0');
            if (position - start > 9) {
                position = start;
                throw bad("a number of at most 9 digits");
            }
        }
        if (position == start) {
            throw bad(expected);
        }
        return value;
    }

    private boolean accept(char c) {
        skipSpaces();
        if (position < text.length() && text.charAt(position) == c) {
            position++;
            return true;
        }
        return false;
    }

    private boolean acceptDots() {
        skipSpaces();
        if (text.startsWith("..", position)) {
            position += 2;
            return true;
        }
        return false;
    }

    private void skipSpaces() {
        while (position < text.length() && text.charAt(position) == ' ') {
            position++;
        }
    }

    private IllegalArgumentException bad(String expected) {
        String rest = position >= text.length()
                ? "the end"
                : '"'
                        + text.substring(position, Math.min(text.length(), position + 12))
                                .replaceAll("\\p{Cntrl}", "?")
                        + '"';
        return new IllegalArgumentException(
                "retry: " + rest + " at character " + (position + 1) + " (expected: " + expected + ")");
    }
}
