package org.backupmx.examples;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.file.SpoolView;
import org.backupmx.spool.transfer.SpoolExport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes the queued mail of a file spool as files. */
@Command(
        name = "export",
        description = {
            "Writes the queued mail of a spool as files, also while a server runs on it; the spool is not changed.",
            "eml: two files a message, ID.eml (the mail data, octet for octet) and ID.json (envelope, attempts, due),"
                    + " which «spool import» reads. mbox: one file for mail readers, which cannot be imported.",
            "SIGINT and SIGTERM end it after the message under way."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:every message was exported",
            "1:some could not be read (each is a line on standard error), or the spool or PATH is at fault",
            "2:wrong use",
            "130:ended by SIGINT (143: by SIGTERM); what is at PATH is whole"
        })
final class SpoolExportCommand implements Callable<Integer> {

    /** How mail is written. */
    enum Format {
        /** Two files a message. */
        eml,
        /** One file. */
        mbox
    }

    @Mixin
    private SpoolDirectory directory;

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
    private Format format;

    @Option(
            names = "--domain",
            paramLabel = "DOMAIN",
            description = "Only mail that waits for this destination domain.")
    private String domain;

    @Option(names = "--held", description = "Only mail that is held.")
    private boolean held;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        SpoolFilter filter = filter();
        try (SpoolView spool = directory.open()) {
            long total = spool.verification().description().messages();
            SpoolExport export = SpoolExport.of(spool).withFilter(filter);
            return new TransferCommand(spec).run(total, watcher -> {
                SpoolExport watched = export.withWatcher(watcher);
                return format == Format.mbox ? watched.toMbox(to) : watched.toDirectory(to);
            });
        }
    }

    private SpoolFilter filter() {
        SpoolFilter filter = held ? SpoolFilter.all().held(true) : SpoolFilter.all();
        if (domain == null) {
            return filter;
        }
        try {
            return filter.domain(MailDomain.of(domain));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--domain: \"" + domain + "\" is no domain");
        }
    }
}
