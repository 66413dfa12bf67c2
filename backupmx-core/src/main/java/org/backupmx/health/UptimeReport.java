package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * How a primary was in a span of time, of what {@link UptimeHistory} knows. Time in which no engine watched, or in which
 * its health was {@link PrimaryHealth#UNKNOWN}, is not known and not counted. Days, weeks (from Monday) and months are
 * those of UTC, and are cut at both ends of the report. Immutable and thread-safe.
 *
 * @param primary its name
 * @param from the beginning
 * @param to the end, after {@code from} and at most {@link #MAX_LENGTH} later
 * @param spans what is known, in order, without overlaps; spans that touch have different health or cause
 * @param ongoing whether the last span goes on at the end
 */
public record UptimeReport(String primary, Instant from, Instant to, List<UptimeSpan> spans, boolean ongoing) {

    /** The longest report: 3,660 days. */
    public static final Duration MAX_LENGTH = Duration.ofDays(3_660);

    /** Checks the parts. */
    public UptimeReport {
        requireNonNull(primary, "primary");
        spans = List.copyOf(spans);
        checkSpan(from, to);
    }

    static void checkSpan(Instant from, Instant to) {
        if (!from.isBefore(to) || to.isAfter(from.plus(MAX_LENGTH))) {
            throw new IllegalArgumentException(
                    "to: " + to + " (expected: after " + from + ", at most " + MAX_LENGTH.toDays() + " days)");
        }
    }

    /**
     * Returns the whole of it.
     *
     * @return one period, from beginning to end
     */
    public UptimePeriod total() {
        return periods(to -> to).get(0);
    }

    /**
     * Returns each day.
     *
     * @return the days in order
     */
    public List<UptimePeriod> days() {
        return periods(day -> day.plusDays(1));
    }

    /**
     * Returns each week.
     *
     * @return the weeks in order
     */
    public List<UptimePeriod> weeks() {
        return periods(day -> day.with(TemporalAdjusters.next(DayOfWeek.MONDAY)));
    }

    /**
     * Returns each month.
     *
     * @return the months in order
     */
    public List<UptimePeriod> months() {
        return periods(day -> day.with(TemporalAdjusters.firstDayOfNextMonth()));
    }

    /** Makes periods from one day to the next one that matters; the same day stands for the end. */
    private List<UptimePeriod> periods(UnaryOperator<LocalDate> next) {
        List<UptimePeriod> periods = new ArrayList<>();
        int span = 0;
        for (Instant begin = from; begin.isBefore(to); ) {
            LocalDate day = LocalDate.ofInstant(begin, ZoneOffset.UTC);
            LocalDate after = next.apply(day);
            Instant end =
                    after.equals(day) ? to : after.atStartOfDay(ZoneOffset.UTC).toInstant();
            end = earlier(end, to);
            while (span < spans.size() && !spans.get(span).to().isAfter(begin)) {
                span++;
            }
            periods.add(period(begin, end, span));
            begin = end;
        }
        return periods;
    }

    private UptimePeriod period(Instant begin, Instant end, int firstSpan) {
        Duration known = Duration.ZERO;
        Duration answering = Duration.ZERO;
        PrimaryHealth worst = PrimaryHealth.UNKNOWN;
        for (int i = firstSpan; i < spans.size() && spans.get(i).from().isBefore(end); i++) {
            UptimeSpan span = spans.get(i);
            Duration length = Duration.between(later(span.from(), begin), earlier(span.to(), end));
            known = known.plus(length);
            answering = span.isAnswering() ? answering.plus(length) : answering;
            // the enum's order is from UNKNOWN and UP to DOWN
            worst = worst.compareTo(span.health()) < 0 ? span.health() : worst;
        }
        return new UptimePeriod(begin, end, known, answering, worst);
    }

    /**
     * Returns the outages.
     *
     * @return the outages in order
     */
    public List<Outage> outages() {
        List<Outage> outages = new ArrayList<>();
        for (UptimeSpan span : spans) {
            if (span.isAnswering()) {
                continue;
            }
            int last = outages.size() - 1;
            boolean more = last >= 0 && outages.get(last).to().equals(span.from());
            Outage begun = more
                    ? outages.remove(last)
                    : new Outage(span.from(), span.to(), false, span.health(), span.cause());
            boolean goesOn = ongoing && span.equals(spans.get(spans.size() - 1));
            outages.add(new Outage(begun.from(), span.to(), goesOn, begun.health(), begun.cause()));
        }
        return outages;
    }

    private static Instant earlier(Instant a, Instant b) {
        return a.isBefore(b) ? a : b;
    }

    private static Instant later(Instant a, Instant b) {
        return a.isAfter(b) ? a : b;
    }
}
