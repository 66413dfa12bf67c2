package org.backupmx.examples;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations and sizes as the configuration file writes them. */
final class Units {

    static final String DURATION = "a duration such as 30s, 5m, 1h or 14d";
    static final String SIZE = "a size such as 500kB, 60MB or 1GB";

    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})\\s?([A-Za-z]*)");

    /** What {@link #instant} reads. */
    static final String TIME = "a time such as 2026-11-23T18:00Z, or a span from now such as 30m, 2h or 3d";

    private Units() {}

    /** Whole seconds, minutes, hours or days, at least one second. */
    static Duration duration(String text) {
        Matcher matcher = match(text);
        long amount = Long.parseLong(matcher.group(1));
        Duration duration = switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            case "d" -> Duration.ofDays(amount);
            default -> throw new IllegalArgumentException(text);
        };
        if (duration.isZero() || duration.compareTo(Duration.ofDays(3650)) > 0) {
            throw new IllegalArgumentException(text);
        }
        return duration;
    }

    /** An instant with its offset from UTC, or a duration from now, to the second. */
    static Instant instant(String text, Instant now) {
        if (AMOUNT.matcher(text).matches()) {
            return now.plus(duration(text)).truncatedTo(ChronoUnit.SECONDS);
        }
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    /** Bytes; the units are powers of 1024, as is usual for message sizes. */
    static long bytes(String text) {
        Matcher matcher = match(text);
        int shift = switch (matcher.group(2).toUpperCase(Locale.ROOT)) {
            case "", "B" -> 0;
            case "KB" -> 10;
            case "MB" -> 20;
            case "GB" -> 30;
            default -> throw new IllegalArgumentException(text);
        };
        return Long.parseLong(matcher.group(1)) << shift;
    }

    private static Matcher match(String text) {
        Matcher matcher = AMOUNT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(text);
        }
        return matcher;
    }
}
