package org.backupmx.examples;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Orders a running server what to take a primary for. */
@Command(
        name = "mode",
        description = {
            "Orders a running server what to take a domain's primary for, in place of the last order.",
            "auto: what probes and deliveries find. force-down: all its mail is accepted, none is relayed. force-up: its mail"
                    + " is relayed, and left to it in monitoring mode. hold: nothing is relayed.",
            "An order outlives the server, unless history is off in its configuration."
        },
        mixinStandardHelpOptions = true)
final class ModeCommand implements Callable<Integer> {

    private static final Set<String> ORDERS = Set.of("auto", "force-down", "force-up", "hold");

    @Mixin
    private AdminSocket admin;

    @Parameters(index = "0", paramLabel = "DOMAIN", description = "A domain that status lists.")
    private String domain;

    @Parameters(index = "1", paramLabel = "ORDER", description = "auto, force-down, force-up or hold.")
    private String order;

    @Option(
            names = "--until",
            paramLabel = "TIME",
            description = "When it ends by itself: 2026-11-23T18:00Z, or from now 30m, 2h, 3d.")
    private @Nullable String until;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        List<String> words = new ArrayList<>(List.of("mode", AdminSocket.word(spec, "DOMAIN", domain), order()));
        if (until != null) {
            words.add(AdminSocket.time(spec, "--until", until, Instant.now()).toString());
        }
        admin.ask(words.toArray(new String[0])).forEach(spec.commandLine().getOut()::println);
        return 0;
    }

    private String order() {
        if (ORDERS.contains(order)) {
            return order;
        }
        throw new ParameterException(
                spec.commandLine(),
                order.equals("always") || order.equals("monitoring")
                        ? "ORDER: \"" + order
                                + "\" is configuration and no order: the key mode of the configuration file"
                        : "ORDER: \"" + order + "\" is not auto, force-down, force-up or hold");
    }
}
