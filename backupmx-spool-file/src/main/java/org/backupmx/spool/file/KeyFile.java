package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The keys of a file that only its owner may read. Each line is {@code id key}: the id as in {@link SpoolKeys#currentId},
 * the key 32 octets as 64 hexadecimal digits or in base64. The first key is the current one; empty lines and lines that
 * begin with {@code #} are nothing. To rotate, put a new key on top and open the spool again; to retire an old key, wait
 * until {@link SpoolDescription#encryptedSegments()} does not name it any more.
 *
 * <p>The file is read once. Its keys stay in memory as long as this object is in use. Immutable and thread-safe.
 */
public final class KeyFile implements SpoolKeys {

    /** The most octets of a key file: {@value}. */
    public static final int MAX_BYTES = 64 << 10;

    private static final String LINE = "id, space, 32 octets as hexadecimal digits or base64";
    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final String currentId;
    private final Map<String, SecretKey> keys;

    private KeyFile(Map<String, SecretKey> keys) {
        this.currentId = keys.keySet().iterator().next();
        this.keys = Map.copyOf(keys);
    }

    /**
     * Reads a key file.
     *
     * @param file the file: mode 0600 or 0400, one to many keys
     * @return its keys
     * @throws IOException if it cannot be read, others than its owner may use it, or a line is no key; the message names
     *     file and line, never a key
     */
    public static KeyFile read(Path file) throws IOException {
        try {
            return readKeys(requireNonNull(file, "file"));
        } catch (FileSystemException e) {
            throw new IOException("key file " + FileFault.of(e), e);
        }
    }

    private static KeyFile readKeys(Path file) throws IOException {
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
        if (!OWNER.containsAll(mode)) {
            throw new IOException("key file " + file + ": mode " + PosixFilePermissions.toString(mode)
                    + " (expected: rw------- or r--------): others could read the spool's keys; chmod 600 it");
        }
        if (Files.size(file) > MAX_BYTES) {
            throw new IOException(
                    "key file " + file + ": " + Files.size(file) + " bytes (expected: at most " + MAX_BYTES + ")");
        }
        byte[] bytes = Files.readAllBytes(file);
        try {
            return new KeyFile(keys(file, bytes));
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    private static Map<String, SecretKey> keys(Path file, byte[] bytes) throws IOException {
        Map<String, SecretKey> keys = new LinkedHashMap<>();
        int number = 0;
        for (String line : new String(bytes, StandardCharsets.ISO_8859_1).split("\n", -1)) {
            number++;
            String text = line.strip();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            String[] parts = text.split("[ \t]+", 2);
            if (parts.length != 2 || !Encryption.isKeyId(parts[0])) {
                throw new IOException("key file " + file + ", line " + number + ": no key (expected: " + LINE + ")");
            }
            if (keys.put(parts[0], key(file, number, parts[1])) != null) {
                throw new IOException("key file " + file + ", line " + number + ": id " + parts[0]
                        + " a second time (expected: another id for each key)");
            }
        }
        if (keys.isEmpty()) {
            throw new IOException("key file " + file + ": no key (expected: lines of " + LINE + ")");
        }
        return keys;
    }

    private static SecretKey key(Path file, int line, String text) throws IOException {
        byte[] octets;
        try {
            octets = text.length() == 2 * Encryption.KEY_BYTES
                    ? HexFormat.of().parseHex(text)
                    : Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            octets = new byte[0]; // the cause would show a part of the key
        }
        try {
            if (octets.length != Encryption.KEY_BYTES) {
                throw new IOException("key file " + file + ", line " + line + ": no key (expected: " + LINE + ")");
            }
            return new SecretKeySpec(octets, "AES");
        } finally {
            Arrays.fill(octets, (byte) 0);
        }
    }

    @Override
    public String currentId() {
        return currentId;
    }

    @Override
    public Optional<SecretKey> find(String id) {
        return Optional.ofNullable(keys.get(requireNonNull(id, "id")));
    }

    /** Returns the ids, never the keys. */
    @Override
    public String toString() {
        return "keys " + keys.keySet() + ", current " + currentId;
    }
}
