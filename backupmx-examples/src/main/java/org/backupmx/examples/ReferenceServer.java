package org.backupmx.examples;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A stand-alone backup MX: one process, one configuration file. */
@Command(
        name = ReferenceServer.NAME,
        description = "Backup MX: keeps mail while the primary is away.",
        mixinStandardHelpOptions = true,
        versionProvider = ReferenceServer.ManifestVersion.class,
        subcommands = {
            ServeCommand.class,
            StatusCommand.class,
            MonitoringCommand.class,
            ProbeCommand.class,
            BelieveCommand.class,
            ModeCommand.class,
            MaintenanceCommand.class,
            UptimeCommand.class,
            QueueCommand.class,
            SpoolCommand.class,
            Demo.class,
            CommandLine.HelpCommand.class
        })
public final class ReferenceServer implements Runnable {

    static final String NAME = "backupmx-server";

    @Spec
    private CommandSpec spec;

    private ReferenceServer() {}

    /**
     * Runs the server.
     *
     * @param args the command line, see {@code --help}
     */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** The command line; every fault is one line on standard error: exit code 2 for the user's, 1 for the world's. */
    static CommandLine commandLine() {
        return new CommandLine(new ReferenceServer())
                .setParameterExceptionHandler((fault, args) -> {
                    CommandLine command = fault.getCommandLine();
                    String name = command.getCommandSpec().qualifiedName();
                    command.getErr()
                            .println(NAME + ": " + oneLine(fault).replaceAll("\\.$", "") + " (expected: see " + name
                                    + " --help)");
                    return 2;
                })
                .setExecutionExceptionHandler((fault, command, parsed) -> {
                    command.getErr().println(NAME + ": " + oneLine(fault));
                    return fault instanceof ConfigException ? 2 : 1;
                });
    }

    /** What went wrong, cause after cause, without a stack trace; names of exceptions only where nothing else is said. */
    static String oneLine(Throwable fault) {
        StringBuilder line = new StringBuilder();
        for (@Nullable Throwable cause = fault; cause != null; cause = cause.getCause()) {
            String message = Objects.requireNonNullElse(cause.getMessage(), "");
            boolean wrapper = cause.getCause() != null && message.equals(String.valueOf(cause.getCause()));
            if (!wrapper && line.indexOf(message) < 0) {
                line.append(line.isEmpty() ? "" : ": ").append(message);
            }
        }
        return line.isEmpty()
                ? fault.getClass().getSimpleName()
                : line.toString().replaceAll("\\s+", " ");
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    static final class ManifestVersion implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = ReferenceServer.class.getPackage().getImplementationVersion();
            return new String[] {"backupmx " + Objects.requireNonNullElse(version, "(unpackaged)")};
        }
    }
}
