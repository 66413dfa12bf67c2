package org.backupmx.spool.file;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;

/** Makes the data keys of segments, wraps them and unwraps them; or, without keys, none of it. Thread-safe. */
final class Encryption {

    /** New segments are not encrypted, and encrypted ones are refused. */
    static final Encryption OFF = new Encryption(null, new SecureRandom());

    private static final Pattern KEY_ID = Pattern.compile("[A-Za-z0-9._-]{1," + SpoolKeys.MAX_ID_CHARS + "}");
    /** The length of every key here. */
    static final int KEY_BYTES = 32;
    /** Stands for the id where a key is wrapped under a segment's data key. */
    private static final String SEGMENT_KEY_ID = "segment";

    private final @Nullable SpoolKeys keys;
    private final SecureRandom random;

    Encryption(@Nullable SpoolKeys keys, SecureRandom random) {
        this.keys = keys;
        this.random = random;
    }

    static boolean isKeyId(String text) {
        return KEY_ID.matcher(text).matches();
    }

    /** Tells whether new segments are encrypted. */
    boolean isOn() {
        return keys != null;
    }

    /** Returns a new data key under the current key, null if encryption is off. */
    @Nullable
    DataKey newDataKey() throws IOException {
        SpoolKeys known = keys;
        if (known == null) {
            return null;
        }
        String id;
        try {
            id = known.currentId();
        } catch (RuntimeException e) {
            throw new IOException("current key cannot be told: " + e, e);
        }
        if (!isKeyId(id)) {
            throw new SpoolException("key id: " + id + " (expected: 1 to " + SpoolKeys.MAX_ID_CHARS
                    + " ASCII letters, digits, dots, hyphens and underscores)");
        }
        return newDataKey(id);
    }

    private DataKey newDataKey(String id) {
        byte[] octets = new byte[KEY_BYTES];
        random.nextBytes(octets);
        try {
            return new DataKey(id, new SecretKeySpec(octets, "AES"));
        } finally {
            Arrays.fill(octets, (byte) 0);
        }
    }

    /** Returns a new data key for what is to go with a segment: its checkpoint. */
    DataKey newDataKeyForSegment() {
        return newDataKey(SEGMENT_KEY_ID);
    }

    /** Returns the header with the data key in it, wrapped. */
    SegmentHeader wrap(SegmentHeader header, DataKey dataKey) throws IOException {
        SecretKey key = find(dataKey.keyId())
                .orElseThrow(() -> new SpoolException(
                        "key " + dataKey.keyId() + ": not known (expected: the current key is one of the keys)"));
        return wrap(key, header, dataKey);
    }

    /** Returns the header with the data key in it, wrapped under that of a segment. */
    SegmentHeader wrap(DataKey segmentKey, SegmentHeader header, DataKey dataKey) throws IOException {
        return wrap(segmentKey.secret(), header, dataKey);
    }

    private SegmentHeader wrap(SecretKey key, SegmentHeader header, DataKey dataKey) throws IOException {
        byte[] nonce = new byte[WrappedKey.NONCE_BYTES];
        random.nextBytes(nonce);
        SegmentHeader named = header.withKey(new WrappedKey(dataKey.keyId(), nonce, new byte[WrappedKey.SEALED_BYTES]));
        byte[] octets = dataKey.secret().getEncoded();
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key, named);
            return header.withKey(new WrappedKey(dataKey.keyId(), nonce, cipher.doFinal(octets)));
        } catch (GeneralSecurityException e) {
            throw new IOException("key " + dataKey.keyId() + ": cannot be used: " + e.getMessage(), e);
        } finally {
            Arrays.fill(octets, (byte) 0);
        }
    }

    private static Cipher cipher(int mode, SecretKey key, SegmentHeader named) throws GeneralSecurityException {
        WrappedKey wrapped = named.wrappedKey();
        if (wrapped == null) {
            throw new IllegalStateException("segment " + named.number() + " is not encrypted");
        }
        Cipher cipher = Cipher.getInstance(RecordCipher.ALGORITHM);
        cipher.init(mode, key, new GCMParameterSpec(RecordCipher.TAG_BYTES * 8, wrapped.nonce()));
        cipher.updateAAD(RecordFormat.encode(named), 0, RecordFormat.NAMED_BYTES);
        return cipher;
    }

    private Optional<SecretKey> find(String id) throws IOException {
        Optional<SecretKey> found;
        try {
            found = keys == null ? Optional.empty() : keys.find(id);
        } catch (RuntimeException e) {
            throw new IOException("key " + id + ": cannot be had: " + e, e);
        }
        byte[] octets = found.map(SecretKey::getEncoded).orElse(null);
        if (octets != null) {
            Arrays.fill(octets, (byte) 0);
            if (octets.length != KEY_BYTES) {
                throw new SpoolException(
                        "key " + id + ": " + octets.length + " octets (expected: " + KEY_BYTES + ", for AES-256)");
            }
        }
        return found;
    }

    /** Returns the data key of a segment, null if it is not encrypted or its key was erased. */
    @Nullable
    DataKey unwrap(SegmentHeader header) throws IOException {
        WrappedKey wrapped = header.wrappedKey();
        if (wrapped == null || wrapped.isErased()) {
            return null;
        }
        String what = SegmentFiles.name(header.number()) + ": encrypted under key " + wrapped.keyId();
        if (keys == null) {
            throw new SpoolException(what + ", and no keys are given (expected: keys with " + wrapped.keyId()
                    + "): open the spool with FileSpoolBuilder.encryptionKeys, in the reference server"
                    + " spool-key-file, in its spool tools --key-file; its mail cannot be read otherwise");
        }
        SecretKey key = find(wrapped.keyId())
                .orElseThrow(() -> new SpoolException(what + ", which is not among the keys (expected: every key that a"
                        + " segment still needs): put it back, behind the current one; its mail cannot be read"
                        + " otherwise"));
        try {
            return unwrap(key, header, wrapped);
        } catch (AEADBadTagException e) {
            throw new SpoolException(
                    what + ", and the key of that id does not open it (expected: the same key as before): put the right"
                            + " key back, and give a new key an id of its own",
                    e);
        } catch (GeneralSecurityException e) {
            throw new SpoolException(what + ", which cannot be used: " + e.getMessage(), e);
        }
    }

    /** Returns the data key that is wrapped under that of a segment. */
    static DataKey unwrap(DataKey segmentKey, SegmentHeader header) throws IOException {
        WrappedKey wrapped = header.wrappedKey();
        if (wrapped == null) {
            throw new IOException("not encrypted, and its segment is");
        }
        try {
            return unwrap(segmentKey.secret(), header, wrapped);
        } catch (GeneralSecurityException e) {
            throw new IOException("the segment's data key does not open it", e);
        }
    }

    private static DataKey unwrap(SecretKey key, SegmentHeader header, WrappedKey wrapped)
            throws GeneralSecurityException {
        byte[] octets = cipher(Cipher.DECRYPT_MODE, key, header).doFinal(wrapped.sealed());
        try {
            return new DataKey(wrapped.keyId(), new SecretKeySpec(octets, "AES"));
        } finally {
            Arrays.fill(octets, (byte) 0);
        }
    }
}
