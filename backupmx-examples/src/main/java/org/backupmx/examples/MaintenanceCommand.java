package org.backupmx.examples;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Plans or ends the maintenance of a primary at a running server. */
@Command(
        name = "maintenance",
        description = {
            "Tells a running server when a domain's primary will be away: its mail is accepted and kept, nothing is relayed,"
                    + " and nobody is told of what probes find. 3 days at most; there may be several windows.",
            "TIME is 2026-11-23T18:00Z, or from now 30m, 2h, 3d. A window outlives the server, unless history is off."
        },
        mixinStandardHelpOptions = true)
final class MaintenanceCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(paramLabel = "DOMAIN", description = "A domain that status lists.")
    private String domain;

    @Option(names = "--from", paramLabel = "TIME", description = "When it begins; now unless given.")
    private @Nullable String from;

    @Option(names = "--until", paramLabel = "TIME", description = "When it ends by itself.")
    private @Nullable String until;

    @Option(names = "--end", description = "Ends it, and forgets what is planned.")
    private boolean end;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (end == (until != null) || (end && from != null)) {
            throw new ParameterException(
                    spec.commandLine(), "maintenance: either --until, perhaps with --from, or --end");
        }
        String name = AdminSocket.word(spec, "DOMAIN", domain);
        print(until == null ? admin.ask("maintenance", name, "end") : plan(name, until));
        return 0;
    }

    private List<String> plan(String name, String end) throws Exception {
        Instant now = Instant.now();
        Instant begin = from == null ? now : AdminSocket.time(spec, "--from", from, now);
        return admin.ask(
                "maintenance",
                name,
                begin.toString(),
                AdminSocket.time(spec, "--until", end, now).toString());
    }

    private void print(List<String> lines) {
        lines.forEach(spec.commandLine().getOut()::println);
    }
}
