package org.backupmx.spool.transfer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;

/**
 * One mbox file of the kind <em>mboxrd</em>: lines end with LF, and a line of any number of {@code >} and {@code From }
 * gets one more {@code >}. Of the envelope, three fields above the mail data tell identity, reverse-path and the
 * recipients that the message waits for. The file gets its name when it is finished.
 */
final class MboxFile implements ExportTarget {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss uuuu", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final Path name;
    private final Path part;
    private final FileChannel file;
    private boolean finished;

    private MboxFile(Path name, Path part, FileChannel file) {
        this.name = name;
        this.part = part;
        this.file = file;
    }

    /** Makes a file that is not there yet. */
    static MboxFile create(Path file) throws IOException {
        if (Files.exists(file)) {
            throw new FileAlreadyExistsException(file + ": exists (expected: a new file)");
        }
        Path part = file.resolveSibling(file.getFileName() + ".part");
        return new MboxFile(file, part, PrivateFiles.create(part));
    }

    @Override
    public void put(QueuedMessage message, InputStream mailData) throws IOException {
        long from = file.position();
        try {
            OutputStream out = Channels.newOutputStream(file);
            out.write(fields(message).getBytes(UTF_8));
            MboxBody body = new MboxBody(out);
            mailData.transferTo(body);
            body.finish();
        } catch (UnreadableException e) {
            file.truncate(from).position(from);
            throw e;
        }
    }

    private static String fields(QueuedMessage queued) {
        String reversePath = queued.message()
                .envelope()
                .reversePath()
                .mailbox()
                .map(Mailbox::toString)
                .orElse("");
        Instant receivedAt = queued.message().receivedAt();
        StringBuilder fields = new StringBuilder("From ")
                .append(reversePath.isEmpty() ? "MAILER-DAEMON" : reversePath.replace(' ', '-'))
                .append(' ')
                .append(DATE.format(receivedAt))
                .append("\nX-Spool-Id: ")
                .append(queued.id())
                .append("\nX-Envelope-From: <")
                .append(reversePath)
                .append(">\n");
        for (MessageLane lane : queued.lanes()) {
            for (QueuedRecipient recipient : lane.recipients()) {
                fields.append("X-Envelope-To: <")
                        .append(recipient.recipient().path().mailbox())
                        .append(">\n");
            }
        }
        return fields.toString();
    }

    @Override
    public void finish() throws IOException {
        file.force(true);
        PrivateFiles.rename(part, name);
        finished = true;
        Path directory = name.toAbsolutePath().getParent();
        if (directory != null) {
            PrivateFiles.forceDirectory(directory);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
        if (!finished) {
            Files.deleteIfExists(part);
        }
    }
}
