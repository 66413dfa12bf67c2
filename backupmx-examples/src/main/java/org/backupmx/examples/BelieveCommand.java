package org.backupmx.examples;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has a running server believe the refusals of a primary. */
@Command(
        name = "believe",
        description =
                "Has a running server believe a domain's primary that refuses so much mail for good that the server kept it:"
                        + " status shows the domain as REJECTING, with the reply as its cause. What is refused in those"
                        + " words within the next day fails.",
        mixinStandardHelpOptions = true)
final class BelieveCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(paramLabel = "DOMAIN", description = "A domain that status lists.")
    private String domain;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        admin.ask("believe", AdminSocket.word(spec, "DOMAIN", domain))
                .forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
