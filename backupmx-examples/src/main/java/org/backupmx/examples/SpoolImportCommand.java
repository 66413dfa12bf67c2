package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.transfer.SpoolImport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Puts exported mail into a spool. */
@Command(
        name = "import",
        description = {
            "Puts the mail that «spool export» wrote (eml) into a spool, made if it is not there: no server may run on it.",
            "It can be repeated: a ledger in PATH says what this spool has, and that is left alone. SIGINT and SIGTERM"
                    + " end it after the messages under way; call it again to go on."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:every message is in the spool",
            "1:some could not be read (each is a line on standard error), or the spool or PATH is at fault",
            "2:wrong use",
            "130:ended by SIGINT (143: by SIGTERM); each message is in the spool or not, none in part"
        })
final class SpoolImportCommand implements Callable<Integer> {

    @Mixin
    private SpoolDirectory directory;

    @Option(names = "--from", required = true, paramLabel = "PATH", description = "The directory that was exported to.")
    private Path from;

    @Option(
            names = "--ledger",
            paramLabel = "FILE",
            description = "Says what is done; PATH/imported-….ledger unless given, with another name for each spool.")
    private Path ledger;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        long total = total();
        return new TransferCommand(spec).run(total, watcher -> {
            // closed before a signal ends the process: what the ledger calls done is on disk then, with its attempts
            try (Spool spool = directory.openForWriting()) {
                Path file = ledger == null ? from.resolve(ledgerName()) : ledger;
                return SpoolImport.into(spool).withWatcher(watcher).from(from, file);
            }
        });
    }

    private long total() throws IOException {
        if (!Files.isDirectory(from)) {
            throw new SpoolException(from + ": no such directory (expected: one that «spool export» wrote)");
        }
        try (Stream<Path> files = Files.list(from)) {
            return files.filter(file -> file.toString().endsWith(".json")).count();
        }
    }

    /** Tells one spool from another by where it is. */
    private String ledgerName() throws IOException {
        CRC32 crc = new CRC32();
        crc.update(directory.path().toRealPath().toString().getBytes(UTF_8));
        return String.format("imported-%08x.ledger", crc.getValue());
    }
}
