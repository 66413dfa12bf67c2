package org.backupmx.examples;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Lists queued messages. */
@Command(
        name = "list",
        description = {
            "Lists the messages of a running server, a page at a time, by id. Deleted ones are shown with --in recycled only.",
            "If there are more, the last line says where the next page begins: --after ID."
        },
        mixinStandardHelpOptions = true)
final class QueueListCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Mixin
    private QueueFilterOptions filter;

    @Option(names = "--limit", defaultValue = "50", paramLabel = "N", description = "The most messages, 1 to 1000.")
    private int limit;

    @Option(names = "--after", paramLabel = "ID", description = "Goes on after this message, there or not.")
    private @Nullable String after;

    @Option(names = "--json", description = "All that is known but the mail data, as JSON.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (limit < 1 || limit > 1000) {
            throw new ParameterException(spec.commandLine(), "--limit: " + limit + " is not 1 to 1000");
        }
        List<String> words = new ArrayList<>(List.of("queue", "list"));
        words.addAll(filter.words(spec, Instant.now()));
        words.add("limit=" + limit);
        words.add("format=" + (json ? "json" : "text"));
        if (after != null) {
            words.add(QueueWords.word("after", after));
        }
        admin.ask(words.toArray(new String[0])).forEach(spec.commandLine().getOut()::println);
        return 0;
    }
}
