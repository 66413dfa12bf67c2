package org.backupmx.examples;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Steers the queue of a running server. */
@Command(
        name = "queue",
        description = {
            "Looks at the queue of a running server and steers it.",
            "What changes more than 100 messages asks first, or needs --yes. It runs in the server, gently; SIGINT ends it"
                    + " between two messages."
        },
        mixinStandardHelpOptions = true,
        subcommands = {
            QueueListCommand.class,
            QueueShowCommand.class,
            QueueOrderCommand.Flush.class,
            QueueOrderCommand.ResetRetries.class,
            QueueOrderCommand.Hold.class,
            QueueOrderCommand.Release.class,
            QueueOrderCommand.Delete.class,
            QueueOrderCommand.Restore.class,
            QueueRedirectCommand.class,
            QueueExportCommand.class,
            QueueDrainCommand.class
        })
final class QueueCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
