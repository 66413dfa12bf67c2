package org.backupmx.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Watches queued mail go out. */
@Command(
        name = "drain",
        description = {
            "Watches how the mail of a running server goes out: what is left, what went since this command began, the rate over"
                    + " the last minute, and how long the rest takes at that rate. It ends when nothing is left but held mail.",
            "It changes nothing; see flush and probe. On a terminal it is a table in place, elsewhere a line every 5 seconds."
        },
        mixinStandardHelpOptions = true)
final class QueueDrainCommand implements Callable<Integer> {

    private static final Duration TABLE_EVERY = Duration.ofSeconds(1);
    private static final Duration LINE_EVERY = Duration.ofSeconds(5);

    @Mixin
    private AdminSocket admin;

    @Parameters(arity = "0..1", paramLabel = "DOMAIN", description = "Only this domain.")
    private @Nullable String domain;

    @Option(names = "--once", description = "Shows it once and ends.")
    private boolean once;

    @Option(names = "--json", description = "Once, as JSON; counts are since the server began.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    private final CountDownLatch stopping = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            ask("json").forEach(out::println);
            return 0;
        }
        if (once) {
            DrainText.table(lines()).forEach(out::println);
            return 0;
        }
        Thread ender = new Thread(this::end, "shutdown");
        Runtime.getRuntime().addShutdownHook(ender);
        try {
            return watch(out);
        } finally {
            ended.countDown();
            withdraw(ender);
        }
    }

    private int watch(PrintWriter out) throws Exception {
        boolean terminal = TransferProgress.isTerminal();
        Map<String, DrainText.Line> first = new HashMap<>();
        lines().forEach(line -> first.put(line.domain(), line));
        int shown = 0;
        while (true) {
            List<DrainText.Line> lines = lines().stream()
                    .map(line -> line.since(first.getOrDefault(line.domain(), line.since(line))))
                    .toList();
            DrainText.Line total = DrainText.total(lines);
            boolean isOver = total.left() == 0 && total.inFlight() == 0;
            if (terminal) {
                shown = redraw(out, DrainText.table(lines), shown);
            } else {
                out.println(DrainText.line(total));
                out.flush();
            }
            if (isOver) {
                return 0;
            }
            Duration pause = terminal ? TABLE_EVERY : LINE_EVERY;
            if (stopping.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                return QueueRun.INTERRUPTED;
            }
        }
    }

    private static int redraw(PrintWriter out, List<String> table, int shown) {
        if (shown > 0) {
            out.print("\u001b[" + shown + "A\u001b[J");
        }
        table.forEach(out::println);
        out.flush();
        return table.size();
    }

    private List<DrainText.Line> lines() throws IOException, ConfigException {
        return ask("lines").stream().map(DrainText.Line::parse).toList();
    }

    private List<String> ask(String format) throws IOException, ConfigException {
        return domain == null
                ? admin.ask("queue", "drain", "format=" + format)
                : admin.ask("queue", "drain", QueueWords.word("domain", domain), "format=" + format);
    }

    /** Runs when the process is told to end: it does when the watching has. */
    private void end() {
        stopping.countDown();
        QueueRun.isOver(ended);
    }

    private static void withdraw(Thread ender) {
        try {
            Runtime.getRuntime().removeShutdownHook(ender);
        } catch (IllegalStateException e) {
            // the process ends: the exit code is the signal's
        }
    }
}
