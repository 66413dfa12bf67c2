package org.backupmx.spool.transfer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.backupmx.spool.QueuedMessage;

/**
 * A directory with two files a message: {@code NAME.eml} is the mail data, {@code NAME.json} the envelope. The JSON is
 * named last: where it is, the message is whole.
 */
final class MessageDirectory implements ExportTarget {

    static final String MAIL_DATA = ".eml";
    static final String ENVELOPE = ".json";
    private static final String PART = "part";

    private final Path directory;

    private MessageDirectory(Path directory) {
        this.directory = directory;
    }

    /** Takes a directory that is empty, or makes it. */
    static MessageDirectory create(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            try (Stream<Path> files = Files.list(directory)) {
                if (files.findAny().isPresent()) {
                    throw new IOException(directory + ": not empty (expected: a new or empty directory)");
                }
            }
        } else {
            PrivateFiles.createDirectory(directory);
        }
        return new MessageDirectory(directory);
    }

    @Override
    public void put(QueuedMessage message, InputStream mailData) throws IOException {
        String name = message.id().value();
        put(name + MAIL_DATA, mailData);
        put(
                name + ENVELOPE,
                new ByteArrayInputStream(EnvelopeJson.write(message).getBytes(UTF_8)));
    }

    private void put(String name, InputStream content) throws IOException {
        Path part = directory.resolve(name + "." + PART);
        boolean whole = false;
        try (FileChannel file = PrivateFiles.create(part)) {
            OutputStream out = Channels.newOutputStream(file);
            content.transferTo(out);
            file.force(true);
            whole = true;
        } finally {
            if (!whole) {
                Files.deleteIfExists(part);
            }
        }
        PrivateFiles.rename(part, directory.resolve(name));
    }

    @Override
    public void finish() throws IOException {
        PrivateFiles.forceDirectory(directory);
    }

    @Override
    public void close() {}
}
