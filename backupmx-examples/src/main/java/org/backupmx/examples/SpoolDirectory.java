package org.backupmx.examples;

import java.io.IOException;
import java.nio.file.Path;
import org.backupmx.spool.file.FileSpool;
import org.backupmx.spool.file.FileSpoolBuilder;
import org.backupmx.spool.file.KeyFile;
import org.backupmx.spool.file.SpoolDescription;
import org.backupmx.spool.file.SpoolInspector;
import org.backupmx.spool.file.SpoolVerification;
import org.backupmx.spool.file.SpoolView;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The directory of a spool on the command line, and the file of its keys. */
final class SpoolDirectory {

    @Parameters(paramLabel = "DIR", description = "The spool's directory.")
    private Path directory;

    @Option(names = "--key-file", paramLabel = "FILE", description = "The keys of an encrypted spool.")
    private @Nullable Path keyFile;

    Path path() {
        return directory;
    }

    SpoolDescription describe() throws IOException {
        return keyFile == null
                ? SpoolInspector.describe(directory)
                : SpoolInspector.describe(directory, KeyFile.read(keyFile));
    }

    SpoolVerification verify() throws IOException {
        return keyFile == null
                ? SpoolInspector.verify(directory)
                : SpoolInspector.verify(directory, KeyFile.read(keyFile));
    }

    SpoolView open() throws IOException {
        return keyFile == null ? SpoolInspector.open(directory) : SpoolInspector.open(directory, KeyFile.read(keyFile));
    }

    FileSpool openForWriting() throws IOException {
        return open(directory, keyFile);
    }

    /** Opens a spool, encrypted if there is a key file. */
    static FileSpool open(Path directory, @Nullable Path keyFile) throws IOException {
        FileSpoolBuilder builder = FileSpool.builder(directory);
        return keyFile == null
                ? builder.open()
                : builder.encryptionKeys(KeyFile.read(keyFile)).open();
    }
}
