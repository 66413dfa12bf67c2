package org.backupmx.examples;

import java.io.PrintWriter;
import java.time.Instant;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.backupmx.spool.file.SpoolDamage;
import org.backupmx.spool.file.SpoolDescription;
import org.backupmx.spool.file.SpoolVerification;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Looks into a file spool from outside, exports its mail and imports mail. Only the import needs its lock. */
@Command(
        name = "spool",
        description = "Looks into a file spool and exports its mail, also while a server runs on it, or imports mail.",
        mixinStandardHelpOptions = true,
        subcommands = {
            SpoolCommand.Describe.class,
            SpoolCommand.Verify.class,
            SpoolExportCommand.class,
            SpoolImportCommand.class
        })
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
        out.println("oldest: " + spool.oldest().map(Instant::toString).orElse("none"));
        out.println("format-versions: "
                + spool.formatVersions().stream().map(String::valueOf).collect(Collectors.joining(" ")));
        out.println("segments: " + spool.segments());
        out.println("file-bytes: " + spool.fileBytes());
        out.println("live-bytes: " + spool.liveBytes());
        out.println("dead-bytes: " + spool.deadBytes());
        out.println("spare-bytes: " + spool.spareBytes());
        out.println("damaged: " + spool.damaged());
        new TreeMap<>(spool.encryptedSegments())
                .forEach((key, count) -> out.println("encrypted-segments: " + count + " under key " + key));
    }

    /** Prints what the spool holds. */
    @Command(
            name = "describe",
            description = "Prints what the spool holds, one «name: value» a line. Exit code 1 if it cannot be read.",
            mixinStandardHelpOptions = true)
    static final class Describe implements Callable<Integer> {

        @Mixin
        private SpoolDirectory directory;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            print(spec.commandLine().getOut(), directory.describe());
            return 0;
        }
    }

    /** Checks every record of the spool. */
    @Command(
            name = "verify",
            description = "Checks every record of the spool. Exit code 1 if one is damaged or it cannot be read.",
            mixinStandardHelpOptions = true)
    static final class Verify implements Callable<Integer> {

        @Mixin
        private SpoolDirectory directory;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            SpoolVerification verification = directory.verify();
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
