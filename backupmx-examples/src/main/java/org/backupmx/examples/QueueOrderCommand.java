package org.backupmx.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.backupmx.queue.QueueOrder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Changes queued messages: first it says how many, then it does it. */
abstract class QueueOrderCommand implements Callable<Integer> {

    /** More than that is asked about. */
    static final int UNASKED = 100;

    @Mixin
    private AdminSocket admin;

    @Mixin
    private QueueFilterOptions filter;

    @Option(names = "--dry-run", description = "Only says how many messages it would be.")
    private boolean dryRun;

    @Option(names = "--yes", description = "Does not ask, however many they are.")
    private boolean yes;

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the log.")
    private @Nullable String reason;

    @Spec
    private CommandSpec spec;

    /** Returns what is to be done. */
    abstract QueueOrder.Kind kind();

    @Override
    public Integer call() throws Exception {
        String verb = Status.word(kind());
        List<String> words = new ArrayList<>(List.of("queue", "plan", "order=" + verb));
        List<String> chosen = filter.chosen(spec, Instant.now());
        check(spec, chosen);
        words.addAll(chosen);
        if (reason != null) {
            if (reason.length() > QueueOrder.MAX_CHARS) {
                throw new ParameterException(
                        spec.commandLine(), "--reason: longer than " + QueueOrder.MAX_CHARS + " characters");
            }
            words.add(QueueWords.word("reason", reason));
        }
        Map<String, String> plan = QueueRun.facts(admin.ask(words.toArray(new String[0])));
        long messages = Long.parseLong(QueueRun.fact(plan, "messages"));
        PrintWriter out = spec.commandLine().getOut();
        out.println(verb + ": " + messages + (messages == 1 ? " message, " : " messages, ")
                + QueueRun.fact(plan, "bytes") + " bytes (" + QueueRun.fact(plan, "selection") + ")");
        out.flush();
        if (dryRun || messages == 0) {
            return 0;
        }
        if (messages > UNASKED && !yes && !Confirmation.given(out)) {
            throw new ConfigException("queue " + spec.name() + ": " + messages
                    + " messages (expected: --yes for more than " + UNASKED + ", or --dry-run)");
        }
        String token = QueueRun.fact(plan, "token");
        int exitCode = new QueueRun(admin, spec).toTheEnd(verb, messages, token, () -> start(token));
        if (exitCode == 0) {
            done(admin, chosen);
        }
        return exitCode;
    }

    /** Refuses a choice of messages that does not go with an option. */
    void check(CommandSpec of, List<String> chosen) {}

    /** Takes the end of an order that changed all that it was to change. */
    void done(AdminSocket socket, List<String> chosen) throws IOException, ConfigException {}

    private void start(String token) throws IOException, ConfigException {
        admin.ask("queue", "run", "token=" + token);
    }

    /** Attempts messages now. */
    @Command(
            name = "flush",
            description = "Attempts messages now, whenever they are due; a primary that is away is probed first.",
            mixinStandardHelpOptions = true)
    static final class Flush extends QueueOrderCommand {
        @Option(
                names = "--outside-hours",
                description =
                        "Whatever the hours of the domain; goes with --domain alone. Each message is attempted once.")
        private boolean outsideHours;

        @Override
        void check(CommandSpec of, List<String> chosen) {
            if (outsideHours && !(chosen.size() == 1 && chosen.get(0).startsWith("domain="))) {
                throw new ParameterException(of.commandLine(), "--outside-hours goes with --domain alone");
            }
        }

        @Override
        void done(AdminSocket socket, List<String> chosen) throws IOException, ConfigException {
            if (outsideHours) {
                socket.ask("queue", "flush-outside-hours", chosen.get(0));
            }
        }

        @Override
        QueueOrder.Kind kind() {
            return QueueOrder.Kind.FLUSH;
        }
    }

    /** Resets retries. */
    @Command(
            name = "reset-retries",
            description = {
                "Begins the attempts of messages anew: none so far, the next one now. Their age stays, and with it the end of"
                        + " their lifetime.",
                "--age queues them anew instead, received now, under new ids; mail that expired or is dead-letter is"
                        + " delivered again then."
            },
            mixinStandardHelpOptions = true)
    static final class ResetRetries extends QueueOrderCommand {
        @Option(names = "--age", description = "Their age, too.")
        private boolean age;

        @Override
        QueueOrder.Kind kind() {
            return age ? QueueOrder.Kind.RENEW : QueueOrder.Kind.RESET_RETRIES;
        }
    }

    /** Holds messages. */
    @Command(
            name = "hold",
            description = "Holds messages: they are not attempted, and do not expire, until they are released.",
            mixinStandardHelpOptions = true)
    static final class Hold extends QueueOrderCommand {
        @Override
        QueueOrder.Kind kind() {
            return QueueOrder.Kind.HOLD;
        }
    }

    /** Releases messages. */
    @Command(
            name = "release",
            description = "Gives messages back to delivery, whether an operator held them or the server.",
            mixinStandardHelpOptions = true)
    static final class Release extends QueueOrderCommand {
        @Override
        QueueOrder.Kind kind() {
            return QueueOrder.Kind.RELEASE;
        }
    }

    /** Deletes messages. */
    @Command(
            name = "delete",
            description = {
                "Puts messages into the recycle area, from which restore takes them back; how long they stay there is the key"
                        + " recycle of the configuration. Nobody is told.",
                "--for-good deletes at once what is chosen, in the recycle area with --in recycled or by id."
            },
            mixinStandardHelpOptions = true)
    static final class Delete extends QueueOrderCommand {
        @Option(names = "--for-good", description = "Not into the recycle area.")
        private boolean forGood;

        @Override
        QueueOrder.Kind kind() {
            return forGood ? QueueOrder.Kind.DELETE_FOR_GOOD : QueueOrder.Kind.DELETE;
        }
    }

    /** Restores messages. */
    @Command(
            name = "restore",
            description = "Takes deleted messages back out of the recycle area; they are as they were.",
            mixinStandardHelpOptions = true)
    static final class Restore extends QueueOrderCommand {
        @Override
        QueueOrder.Kind kind() {
            return QueueOrder.Kind.RESTORE;
        }
    }
}
