package org.backupmx.examples;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has a running server probe a primary. */
@Command(
        name = "probe",
        description =
                "Has a running server probe a domain's primary now, and prints what is known then, one «name: value»"
                        + " a line. Exit code 0 whatever it found, 1 if no server is running.",
        mixinStandardHelpOptions = true)
final class ProbeCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(paramLabel = "DOMAIN", description = "A domain that status lists.")
    private String domain;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        admin.ask("probe", AdminSocket.word(spec, "DOMAIN", domain))
                .forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
