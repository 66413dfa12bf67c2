package org.backupmx.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.backupmx.monitoring.DeferredNetwork;
import org.backupmx.monitoring.MonitoringReport;

/** What {@code monitoring} shows of a report. Functions without state. */
final class MonitoringText {

    /** The most networks that a report has. */
    static final int MAX_NETWORKS = MonitoringReport.MAX_NETWORKS;

    private MonitoringText() {}

    /** Returns a heading, and a line for each network. */
    static List<String> table(MonitoringReport report, int limit) {
        List<String> lines = new ArrayList<>();
        lines.add(line("network", "deferred", "came again", "let in", "score", "fate", "first", "last"));
        report.networks().stream().limit(limit).map(MonitoringText::line).forEach(lines::add);
        return lines;
    }

    private static String line(DeferredNetwork network) {
        return line(
                network.network(),
                network.deferred(),
                network.cameAgain(),
                network.letIn(),
                String.format(Locale.ROOT, "%.1f", network.score()),
                network.fate().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                Status.second(network.firstAt()),
                Status.second(network.lastAt()));
    }

    private static String line(Object... columns) {
        return String.format(Locale.ROOT, "%-43s  %8s  %10s  %6s  %9s  %-16s  %-20s  %-20s", columns)
                .stripTrailing();
    }
}
