package org.backupmx.spool.transfer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.spool.SpoolId;

/**
 * What an import has done, so that it can be repeated: a line {@code begun NAME ID} is on disk before a message is
 * committed with that identity, a line {@code done NAME} follows when it is. A line that a crash cut is cut
 * away.
 */
final class ImportLedger implements Closeable {

    private final FileChannel file;
    private final Map<String, SpoolId> begun = new HashMap<>();
    private final Set<String> done = new HashSet<>();

    private ImportLedger(FileChannel file) {
        this.file = file;
    }

    static ImportLedger open(Path path) throws IOException {
        byte[] bytes = Files.exists(path) ? Files.readAllBytes(path) : new byte[0];
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        ImportLedger ledger = new ImportLedger(PrivateFiles.append(path));
        boolean whole = false;
        try {
            ledger.read(path, new String(bytes, 0, end, UTF_8));
            ledger.file.truncate(end);
            whole = true;
        } finally {
            if (!whole) {
                ledger.file.close();
            }
        }
        return ledger;
    }

    private void read(Path path, String text) throws IOException {
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ", -1);
            if (words[0].equals("begun") && words.length == 3) {
                begun.put(words[1], id(path, words[2]));
            } else if (words[0].equals("done") && words.length == 2) {
                done.add(words[1]);
                begun.remove(words[1]);
            } else {
                throw new IOException(
                        path + ": no ledger of an import (expected: lines «begun NAME ID» and «done NAME»)");
            }
        }
    }

    private static SpoolId id(Path path, String text) throws IOException {
        try {
            return new SpoolId(text);
        } catch (IllegalArgumentException e) {
            throw new IOException(path + ": no ledger of an import: " + e.getMessage(), e);
        }
    }

    private void append(String lines) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(lines.getBytes(UTF_8));
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }

    boolean isDone(String name) {
        return done.contains(name);
    }

    /** Returns with which identity a message was begun and not said to be done. */
    Optional<SpoolId> begun(String name) {
        return Optional.ofNullable(begun.get(name));
    }

    /** Notes on disk what is about to be committed. */
    void begin(Map<String, SpoolId> messages) throws IOException {
        StringBuilder lines = new StringBuilder();
        messages.forEach((name, id) ->
                lines.append("begun ").append(name).append(' ').append(id).append('\n'));
        append(lines.toString());
        file.force(true);
        begun.putAll(messages);
    }

    /** Notes what is done; not forced, since a loss of it is found out from the spool. */
    void done(List<String> names) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (String name : names) {
            lines.append("done ").append(name).append('\n');
            done.add(name);
            begun.remove(name);
        }
        append(lines.toString());
    }

    @Override
    public void close() throws IOException {
        try {
            file.force(true);
        } finally {
            file.close();
        }
    }
}
