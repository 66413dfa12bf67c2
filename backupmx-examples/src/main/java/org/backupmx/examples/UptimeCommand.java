package org.backupmx.examples;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows how a primary was in the past. */
@Command(
        name = "uptime",
        description =
                "Shows how the primary was that a domain has now: how much of the known time it answered, by month, week"
                        + " and day of UTC, and its outages. Exit code 1 if no server is running, or it keeps no history.",
        mixinStandardHelpOptions = true)
final class UptimeCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(paramLabel = "DOMAIN", description = "A domain that status lists.")
    private String domain;

    @Option(
            names = "--days",
            defaultValue = "30",
            description = "How far back, 1 to 400; ${DEFAULT-VALUE} unless given.")
    private int days;

    @ArgGroup(exclusive = true)
    private @Nullable Form form;

    @Spec
    private CommandSpec spec;

    /** Other forms than text. */
    static final class Form {

        @Option(names = "--csv", description = "The periods as CSV.")
        private boolean csv;

        @Option(names = "--outages-csv", description = "The outages as CSV.")
        private boolean outagesCsv;

        @Option(names = "--json", description = "All of it as JSON.")
        private boolean json;

        @Option(names = "--svg", description = "The days as a bar, an SVG image.")
        private boolean svg;

        private String word() {
            return csv ? "csv" : outagesCsv ? "outages-csv" : json ? "json" : svg ? "svg" : "text";
        }
    }

    @Override
    public Integer call() throws Exception {
        if (days < 1 || days > UptimeText.MAX_DAYS) {
            throw new ParameterException(spec.commandLine(), "--days: " + days + " is not 1 to " + UptimeText.MAX_DAYS);
        }
        String name = AdminSocket.word(spec, "DOMAIN", domain);
        admin.ask("uptime", name, Integer.toString(days), form == null ? "text" : form.word())
                .forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
