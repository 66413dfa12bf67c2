package org.backupmx.examples;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows one queued message. */
@Command(
        name = "show",
        description = {
            "Shows a message of a running server: envelope, where delivery to each recipient stands, header section.",
            "What is not to be seen is spelt out: \\u{1b} for an escape character. --body shows all of it, 1 MiB at most, and"
                    + " is logged."
        },
        mixinStandardHelpOptions = true)
final class QueueShowCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(paramLabel = "ID", description = "The message, as queue list shows it.")
    private String id;

    @Option(names = "--body", description = "The mail data, not only its header section.")
    private boolean body;

    @Option(names = "--json", description = "As JSON, mail data by lines.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        List<String> lines = admin.ask(
                "queue",
                "show",
                QueueWords.word("id", id),
                "show=" + (body ? "body" : "headers"),
                "format=" + (json ? "json" : "text"));
        lines.forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
