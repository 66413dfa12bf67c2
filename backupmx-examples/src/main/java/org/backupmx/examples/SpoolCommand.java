package org.backupmx.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.backupmx.spool.file.SpoolDamage;
import org.backupmx.spool.file.SpoolDescription;
import org.backupmx.spool.file.SpoolInspector;
import org.backupmx.spool.file.SpoolVerification;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Looks into a file spool from outside: read-only, without its lock, also while a server runs on it. */
@Command(
        name = "spool",
        description = "Looks into a file spool, also while a server runs on it.",
        mixinStandardHelpOptions = true,
        subcommands = {SpoolCommand.Describe.class, SpoolCommand.Verify.class})
final class SpoolCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    private static void print(PrintWriter out, SpoolDescription spool) {
        out.println("messages: " + spool.messages());
        out.println("held: " + spool.held());
        out.println("lanes: " + spool.lanes());
        out.println("mail-data-bytes: " + spool.mailDataBytes());
        out.println("segments: " + spool.segments());
        out.println("file-bytes: " + spool.fileBytes());
        out.println("damaged: " + spool.damaged());
    }

    /** Prints what the spool holds. */
    @Command(
            name = "describe",
            description = "Prints what the spool holds, one «name: value» a line. Exit code 1 if it cannot be read.",
            mixinStandardHelpOptions = true)
    static final class Describe implements Callable<Integer> {

        @Parameters(paramLabel = "DIR", description = "The spool's directory.")
        private Path directory;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            print(spec.commandLine().getOut(), SpoolInspector.describe(directory));
            return 0;
        }
    }

    /** Checks every record of the spool. */
    @Command(
            name = "verify",
            description = "Checks every record of the spool. Exit code 1 if one is damaged or it cannot be read.",
            mixinStandardHelpOptions = true)
    static final class Verify implements Callable<Integer> {

        @Parameters(paramLabel = "DIR", description = "The spool's directory.")
        private Path directory;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            SpoolVerification verification = SpoolInspector.verify(directory);
            PrintWriter out = spec.commandLine().getOut();
            print(out, verification.description());
            out.println("records: " + verification.records());
            for (SpoolDamage damage : verification.damage()) {
                out.println("damage: " + damage);
            }
            return verification.isIntact() ? 0 : 1;
        }
    }
}
