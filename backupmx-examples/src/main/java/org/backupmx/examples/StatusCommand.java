package org.backupmx.examples;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the domains of a running server. */
@Command(
        name = "status",
        description =
                "Shows the domains of a running server: mode, health of the primary, queue, orders. Exit code 1 if"
                        + " none is running.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Option(names = "--json", description = "All that is known, as JSON.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        List<String> answer = json ? admin.ask("status", "json") : admin.ask("status");
        answer.forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
