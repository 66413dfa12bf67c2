package org.backupmx.examples;

import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has a running server do something about one domain, and prints its answer. */
abstract class DomainCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(paramLabel = "DOMAIN", description = "A domain that status lists.")
    private String domain;

    @Spec
    private CommandSpec spec;

    @Override
    public final Integer call() throws Exception {
        admin.ask(spec.name(), AdminSocket.word(spec, "DOMAIN", domain))
                .forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
