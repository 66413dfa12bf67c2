package org.backupmx.spool.transfer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.SpooledMessage;

/** One run of a {@link SpoolImport}: batch by batch, so that a spool can commit many messages under one force. */
final class ImportRun {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]{1,64}");
    private static final int BATCH = 64;
    private static final int BUFFER_BYTES = 1 << 16;
    /** The envelope of 15,000 recipients with the longest of everything stays below. */
    private static final long MAX_ENVELOPE_BYTES = 64L << 20;
    /** No clock tells more, and leases have to end later. */
    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999999Z");

    private final Spool spool;
    private final Path directory;
    private final ImportLedger ledger;
    private final Tally tally;
    private final CarriedState carried;
    private final List<Entering> batch = new ArrayList<>();

    ImportRun(Spool spool, Path directory, ImportLedger ledger, Tally tally) {
        this.spool = spool;
        this.directory = directory;
        this.ledger = ledger;
        this.tally = tally;
        this.carried = new CarriedState(spool);
    }

    /** A message with its mail data in the spool and not committed yet. */
    private record Entering(String name, QueuedMessage was, SpoolWriter writer) {}

    /** What is wrong with a message's files. */
    private static final class UnfitException extends Exception {
        private static final long serialVersionUID = 1L;

        UnfitException(String message) {
            super(message);
        }
    }

    void all() throws IOException {
        try {
            for (String name : names()) {
                if (!tally.goesOn()) {
                    break;
                }
                if (ledger.isDone(name)) {
                    tally.already();
                } else {
                    take(name);
                }
                if (batch.size() == BATCH) {
                    commit();
                }
            }
            commit();
        } finally {
            batch.forEach(entering -> entering.writer().close());
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(MessageDirectory.ENVELOPE))
                    .map(file -> file.substring(0, file.length() - MessageDirectory.ENVELOPE.length()))
                    .sorted()
                    .toList();
        }
    }

    private void take(String name) throws IOException {
        try {
            QueuedMessage was = envelope(name);
            Optional<QueuedMessage> there = begun(name, was);
            if (there.isPresent()) {
                carried.carry(there.get().id(), there.get(), was);
                ledger.done(List.of(name));
                tally.already();
                return;
            }
            write(name, was);
        } catch (UnfitException e) {
            tally.failed(name, String.valueOf(e.getMessage()));
        }
    }

    private QueuedMessage envelope(String name) throws IOException, UnfitException {
        Path file = directory.resolve(name + MessageDirectory.ENVELOPE);
        try {
            if (!NAME.matcher(name).matches()) {
                throw new UnfitException(file + ": its name (expected: 1 to 64 letters, digits and hyphens)");
            }
            checkRegular(file);
            if (Files.size(file) > MAX_ENVELOPE_BYTES) {
                throw new UnfitException(file + ": too large (expected: at most " + MAX_ENVELOPE_BYTES + " bytes)");
            }
            QueuedMessage was = EnvelopeJson.read(Files.readString(file, UTF_8));
            if (was.message().receivedAt().isAfter(LAST)) {
                throw new UnfitException(
                        file + ": receivedAt: " + was.message().receivedAt() + " (expected: until " + LAST + ")");
            }
            if (was.held() && !(spool instanceof HoldableSpool)) {
                throw new UnfitException(file + ": is held (expected: a spool that can hold messages)");
            }
            return was;
        } catch (CharacterCodingException e) {
            throw new UnfitException(file + ": no UTF-8");
        } catch (IllegalArgumentException e) {
            throw new UnfitException(file + ": " + e.getMessage());
        } catch (IOException e) {
            throw new UnfitException(file + ": cannot be read: " + e);
        }
    }

    /** What is no file may have no end, or nothing to read. */
    private static void checkRegular(Path file) throws UnfitException {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new UnfitException(file + ": no regular file (expected: one)");
        }
    }

    /** Returns the message if an import before committed it and could not say so any more. */
    private Optional<QueuedMessage> begun(String name, QueuedMessage was) throws SpoolException {
        Optional<SpoolId> id = ledger.begun(name);
        if (id.isEmpty() || !(spool instanceof FindableSpool findable)) {
            return Optional.empty();
        }
        // a spool that was made anew gives the same identities again
        return findable.find(id.get()).filter(there -> isSame(there.message(), was.message()));
    }

    private static boolean isSame(SpooledMessage there, SpooledMessage was) {
        return there.sizeBytes() == was.sizeBytes()
                && there.envelope().equals(was.envelope())
                && there.receivedAt()
                        .truncatedTo(ChronoUnit.MILLIS)
                        .equals(was.receivedAt().truncatedTo(ChronoUnit.MILLIS));
    }

    private void write(String name, QueuedMessage was) throws IOException, UnfitException {
        Path file = directory.resolve(name + MessageDirectory.MAIL_DATA);
        long expected = was.message().sizeBytes();
        Envelope envelope = was.message().envelope();
        SpoolWriter writer = null;
        boolean taken = false;
        checkRegular(file);
        try (InputStream mailData = UnreadableException.telling(open(file))) {
            writer = spool.begin(envelope, was.message().receivedAt());
            long written = copy(mailData, writer);
            if (written != expected) {
                throw new UnfitException(
                        file + ": " + written + " bytes (expected: " + expected + ", as its envelope says)");
            }
            batch.add(new Entering(name, was, writer));
            taken = true;
        } catch (UnreadableException e) {
            throw new UnfitException(file + ": cannot be read: " + e.getCause());
        } finally {
            if (writer != null && !taken) {
                writer.close();
            }
        }
    }

    private static InputStream open(Path file) throws UnfitException, UnreadableException {
        try {
            return Files.newInputStream(file);
        } catch (NoSuchFileException e) {
            throw new UnfitException(file + ": no such file (expected: the mail data of the message)");
        } catch (IOException e) {
            throw new UnreadableException(e);
        }
    }

    private static long copy(InputStream from, SpoolWriter to) throws IOException {
        byte[] bytes = new byte[BUFFER_BYTES];
        long written = 0;
        for (int read = from.read(bytes); read >= 0; read = from.read(bytes)) {
            to.write(ByteBuffer.wrap(bytes, 0, read));
            written += read;
        }
        return written;
    }

    private void commit() throws IOException {
        if (batch.isEmpty()) {
            return;
        }
        Map<String, SpoolId> ids = new LinkedHashMap<>();
        batch.forEach(entering -> ids.put(entering.name(), entering.writer().id()));
        ledger.begin(ids);
        List<CompletionStage<SpoolId>> commits = new ArrayList<>();
        for (Entering entering : batch) {
            commits.add(entering.writer().commit());
        }
        List<String> done = new ArrayList<>();
        try {
            for (int i = 0; i < commits.size(); i++) {
                Entering entering = batch.get(i);
                settled(commits.get(i), entering.was());
                done.add(entering.name());
                tally.transferred(entering.name(), entering.was().message().sizeBytes());
            }
        } finally {
            ledger.done(done);
        }
        batch.clear();
    }

    private void settled(CompletionStage<SpoolId> commit, QueuedMessage was) throws SpoolException {
        try {
            SpoolId id = commit.toCompletableFuture().join();
            SpooledMessage message = was.message();
            QueuedMessage is = QueuedMessage.of(
                    new SpooledMessage(id, message.envelope(), message.receivedAt(), message.sizeBytes()));
            carried.carry(id, is, was);
        } catch (CompletionException e) {
            if (e.getCause() instanceof SpoolException fault) {
                throw fault;
            }
            throw e;
        }
    }
}
