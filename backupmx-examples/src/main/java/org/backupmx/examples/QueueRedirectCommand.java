package org.backupmx.examples;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Sends the mail of a domain elsewhere. */
@Command(
        name = "redirect",
        description = {
            "Sends all mail of a domain, queued and to come, to another next hop than its own, until --end. It outlives the"
                    + " server, unless history is off in its configuration. --dry-run looks the next hop up and probes it.",
            "For a part of a domain's mail: hold the rest, redirect, watch drain, --end, release."
        },
        mixinStandardHelpOptions = true)
final class QueueRedirectCommand implements Callable<Integer> {

    @Mixin
    private AdminSocket admin;

    @Parameters(index = "0", arity = "0..1", paramLabel = "DOMAIN", description = "A domain that status lists.")
    private @Nullable String domain;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "HOP",
            description = "host, host:port, [address] or [address]:port; port 25 if none.")
    private @Nullable String to;

    @Option(names = "--dry-run", description = "Only says what it would do.")
    private boolean dryRun;

    @Option(names = "--yes", description = "Does not ask, however many messages are queued.")
    private boolean yes;

    @Option(names = "--end", description = "Back to the domain's own next hops.")
    private boolean end;

    @Option(names = "--list", description = "Lists the redirections in force.")
    private boolean list;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        boolean isGood =
                list ? domain == null && !end && !dryRun : domain != null && end == (to == null) && !(end && dryRun);
        if (!isGood) {
            throw new ParameterException(
                    spec.commandLine(), "redirect: DOMAIN HOP, perhaps with --dry-run, or DOMAIN --end, or --list");
        }
        if (list) {
            print(admin.ask("queue", "redirects"));
            return 0;
        }
        String name = QueueWords.word("domain", String.valueOf(domain));
        if (end) {
            print(admin.ask("queue", "redirect", name, "to=none"));
            return 0;
        }
        String hop = QueueWords.word("to", String.valueOf(to));
        List<String> preview = admin.ask("queue", "redirect", name, hop, "preview=yes");
        print(preview);
        long messages = Long.parseLong(QueueRun.fact(QueueRun.facts(preview), "messages"));
        if (dryRun) {
            return 0;
        }
        if (messages > QueueOrderCommand.UNASKED
                && !yes
                && !Confirmation.given(spec.commandLine().getOut())) {
            throw new ConfigException("queue redirect: " + messages + " messages (expected: --yes for more than "
                    + QueueOrderCommand.UNASKED + ", or --dry-run)");
        }
        print(admin.ask("queue", "redirect", name, hop));
        return 0;
    }

    private void print(List<String> lines) {
        lines.forEach(spec.commandLine().getOut()::println);
        spec.commandLine().getOut().flush();
    }
}
