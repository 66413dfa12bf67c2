package org.backupmx.health;

import java.time.Instant;
import java.util.List;

/** Draws the days of a report. */
final class UptimeBar {

    private static final int CELL = 6;
    private static final int GAP = 2;
    private static final int HEIGHT = 32;
    private static final int MOST_OUTAGES = 3;

    private UptimeBar() {}

    static String of(UptimeReport report) {
        List<UptimePeriod> days = report.days();
        List<Outage> outages = report.outages();
        int width = days.size() * (CELL + GAP) - GAP;
        StringBuilder out = new StringBuilder("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"")
                .append(width)
                .append("\" height=\"" + HEIGHT + "\" viewBox=\"0 0 ")
                .append(width)
                .append(" " + HEIGHT + "\">\n<title>")
                .append(escape(report.primary() + ": " + percent(report.total())))
                .append("</title>\n");
        int firstOutage = 0;
        for (int i = 0; i < days.size(); i++) {
            UptimePeriod day = days.get(i);
            while (firstOutage < outages.size()
                    && !outages.get(firstOutage).to().isAfter(day.from())) {
                firstOutage++;
            }
            out.append("<rect x=\"")
                    .append(i * (CELL + GAP))
                    .append("\" y=\"0\" width=\"" + CELL + "\" height=\"" + HEIGHT + "\" fill=\"")
                    .append(colour(day.worst()))
                    .append("\"><title>")
                    .append(escape(title(day, outages.subList(firstOutage, outages.size()))))
                    .append("</title></rect>\n");
        }
        return out.append("</svg>\n").toString();
    }

    private static String percent(UptimePeriod period) {
        String percent = UptimeExport.percent(period, "");
        return percent.isEmpty() ? "not known" : percent + " %";
    }

    private static String title(UptimePeriod day, List<Outage> outages) {
        StringBuilder title = new StringBuilder(day.from().toString().substring(0, 10))
                .append(": ")
                .append(percent(day));
        int told = 0;
        for (Outage outage : outages) {
            if (!outage.from().isBefore(day.to())) {
                break;
            }
            if (told++ == MOST_OUTAGES) {
                title.append("\n...");
                break;
            }
            title.append('\n')
                    .append(outage.health())
                    .append(' ')
                    .append(time(outage.from(), day))
                    .append(" to ")
                    .append(time(outage.to(), day))
                    .append(": ")
                    .append(outage.cause());
        }
        return title.toString();
    }

    /** Returns the time of the day, or the day if it is another one. */
    private static String time(Instant at, UptimePeriod day) {
        boolean within = !at.isBefore(day.from()) && !at.isAfter(day.to());
        return within ? at.toString().substring(11, 19) : at.toString().substring(0, 10);
    }

    private static String colour(PrimaryHealth worst) {
        return switch (worst) {
            case UNKNOWN -> "#bdbdbd";
            case UP -> "#2e7d32";
            case DEGRADED -> "#f9a825";
            case REJECTING -> "#ad1457";
            case DOWN -> "#c62828";
        };
    }

    private static String escape(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                // no characters of XML
                case '\uFFFE', '\uFFFF' -> out.append('\uFFFD');
                default -> out.append(c);
            }
        }
        return out.toString();
    }
}
