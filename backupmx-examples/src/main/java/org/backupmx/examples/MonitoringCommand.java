package org.backupmx.examples;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows who came to a running server although the primary was UP. */
@Command(
        name = "monitoring",
        description =
                "Shows the client networks that came to a running server although the primary of a domain in monitoring"
                        + " mode was UP, and what became of them: the highest score first. Exit code 1 if none is"
                        + " running.",
        mixinStandardHelpOptions = true)
final class MonitoringCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Option(
            names = "--limit",
            defaultValue = "50",
            description = "The most networks, 1 to 10000; ${DEFAULT-VALUE} unless given.")
    private int limit;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (limit < 1 || limit > MonitoringText.MAX_NETWORKS) {
            throw new ParameterException(
                    spec.commandLine(), "--limit: " + limit + " is not 1 to " + MonitoringText.MAX_NETWORKS);
        }
        admin.ask("monitoring", Integer.toString(limit))
                .forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
