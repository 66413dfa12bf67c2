package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One window of {@link DeliveryHours}.
 *
 * @param days the days on which it begins
 * @param begin when
 * @param end when it ends, on the next day unless it is after {@code begin}; midnight for 24:00
 * @param zone whose clock it goes by
 */
record HoursWindow(Set<DayOfWeek> days, LocalTime begin, LocalTime end, ZoneId zone) {

    private static final Pattern TEXT =
            Pattern.compile("(?:([A-Za-z,-]+) +)?(\\d\\d:\\d\\d)-(\\d\\d:\\d\\d) +([A-Za-z0-9/_+:-]+)");

    /** A window that began so many days ago may be open yet: by midnight, and by a clock that jumped. */
    private static final int DAYS_BACK = 2;

    private static final int DAYS_AHEAD = 8;

    static HoursWindow parse(String text) {
        Matcher matcher = TEXT.matcher(requireNonNull(text, "text").strip());
        if (!matcher.matches()) {
            throw bad(text);
        }
        try {
            Set<DayOfWeek> days = matcher.group(1) == null ? EnumSet.allOf(DayOfWeek.class) : days(matcher.group(1));
            LocalTime begin = LocalTime.parse(matcher.group(2));
            boolean isTillMidnight = matcher.group(3).equals("24:00");
            LocalTime end = isTillMidnight ? LocalTime.MIDNIGHT : LocalTime.parse(matcher.group(3));
            if (begin.equals(end) && !isTillMidnight) {
                throw bad(text); // a day, or nothing?
            }
            return new HoursWindow(Set.copyOf(days), begin, end, ZoneId.of(matcher.group(4)));
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(bad(text).getMessage(), e);
        }
    }

    private static IllegalArgumentException bad(String text) {
        return new IllegalArgumentException(
                "hours: " + text + " (expected: such as 22:00-06:00 Europe/Berlin or Mon-Fri 18:30-24:00 UTC)");
    }

    private static Set<DayOfWeek> days(String text) {
        Set<DayOfWeek> days = EnumSet.noneOf(DayOfWeek.class);
        for (String part : text.split(",", -1)) {
            String[] ends = part.split("-", -1);
            if (ends.length > 2) {
                throw new DateTimeException(part);
            }
            DayOfWeek last = day(ends[ends.length - 1]);
            DayOfWeek day = day(ends[0]);
            days.add(day);
            while (day != last) {
                day = day.plus(1);
                days.add(day);
            }
        }
        return days;
    }

    private static DayOfWeek day(String text) {
        for (DayOfWeek day : DayOfWeek.values()) {
            if (name(day).equalsIgnoreCase(text)) {
                return day;
            }
        }
        throw new DateTimeException(text);
    }

    private static String name(DayOfWeek day) {
        String name = day.name().toLowerCase(Locale.ROOT);
        return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1, 3);
    }

    /** Returns when the window that is open at an instant ends; null if none is. */
    @Nullable
    Instant end(Instant instant) {
        LocalDate today = instant.atZone(zone).toLocalDate();
        Instant last = null;
        for (int day = -DAYS_BACK; day <= 0; day++) {
            LocalDate date = today.plusDays(day);
            if (days.contains(date.getDayOfWeek()) && !begin(date).isAfter(instant)) {
                Instant end = end(date);
                last = end.isAfter(instant) && (last == null || end.isAfter(last)) ? end : last;
            }
        }
        return last;
    }

    /** Returns when the next window after an instant begins. */
    Instant nextBegin(Instant instant) {
        LocalDate today = instant.atZone(zone).toLocalDate();
        for (int day = -1; day <= DAYS_AHEAD; day++) {
            LocalDate date = today.plusDays(day);
            if (days.contains(date.getDayOfWeek()) && begin(date).isAfter(instant)) {
                return begin(date);
            }
        }
        throw new AssertionError(this);
    }

    private Instant begin(LocalDate date) {
        LocalDateTime local = date.atTime(begin);
        ZoneOffsetTransition jump = zone.getRules().getTransition(local);
        return jump != null && jump.isGap()
                ? jump.getInstant()
                : local.atZone(zone).toInstant();
    }

    private Instant end(LocalDate date) {
        return (end.isAfter(begin) ? date : date.plusDays(1))
                .atTime(end)
                .atZone(zone)
                .toInstant();
    }

    @Override
    public String toString() {
        String on = days.size() == DayOfWeek.values().length
                ? ""
                : days.stream().sorted().map(HoursWindow::name).collect(Collectors.joining(",", "", " "));
        return on + begin + "-" + (end.equals(LocalTime.MIDNIGHT) ? "24:00" : end) + " " + zone;
    }
}
