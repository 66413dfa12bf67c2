package org.backupmx.examples;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Has a running server write queued mail as files. */
@Command(
        name = "export",
        description = {
            "Has a running server write queued messages as files, as «spool export» does, whatever its spool is. The queue is"
                    + " not changed. The files are the server's user's, mode 0600, and PATH is in its view of the disk.",
            "eml: two files a message, which «spool import» reads. mbox: one file for mail readers."
        },
        mixinStandardHelpOptions = true)
final class QueueExportCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Mixin
    private QueueFilterOptions filter;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "PATH",
            description = "A directory that is empty or not there (eml), or a file that is not there (mbox).")
    private Path to;

    @Option(
            names = "--format",
            defaultValue = "eml",
            description = "${COMPLETION-CANDIDATES}; ${DEFAULT-VALUE} unless given.")
    private SpoolExportCommand.Format format;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        List<String> words = new ArrayList<>(List.of("queue", "export"));
        words.addAll(filter.chosen(spec, Instant.now()));
        words.add(QueueWords.word("to", to.toAbsolutePath().normalize().toString()));
        words.add("format=" + format);
        Map<String, String> begun = QueueRun.facts(admin.ask(words.toArray(new String[0])));
        return new QueueRun(admin, spec).toTheEnd("export", 0, QueueRun.fact(begun, "token"), () -> {});
    }
}
