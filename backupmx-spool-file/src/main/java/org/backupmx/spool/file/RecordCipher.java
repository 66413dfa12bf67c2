package org.backupmx.spool.file;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import org.backupmx.spool.SpoolDamagedException;

/**
 * Encrypts and decrypts the records of a segment with AES-256-GCM: meta and data apart, each with a tag behind it, and the
 * first {@value RecordFormat#AUTHENTICATED_BYTES} bytes of the record's header as associated data.
 *
 * <pre>
 * nonce of 96 bits: u32 part, 1 meta or 2 data | u64 where the record is in its segment
 * </pre>
 *
 * <p>A data key is of one segment only, and a place of a segment is written once only: what fails is set aside, what is
 * moved goes into another segment, and an opening begins a new segment. So a nonce never comes twice under a key. Used
 * by one thread at a time.
 */
final class RecordCipher {

    static final String ALGORITHM = "AES/GCM/NoPadding";
    static final int TAG_BYTES = 16;

    private static final int META = 1;
    private static final int DATA = 2;

    private final Cipher cipher;
    private final byte[] nonce = new byte[WrappedKey.NONCE_BYTES];
    private byte[] encrypted = {};

    RecordCipher() {
        try {
            cipher = Cipher.getInstance(ALGORITHM);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(ALGORITHM + ": not in this Java", e);
        }
    }

    /** Returns the length of a record in the file, with the zeros at its end. */
    static int length(RecordBuffer record) {
        return RecordFormat.padded(record.length() + (hasTags(record) ? 2 * TAG_BYTES : 0));
    }

    /** Tells whether a record is encrypted at all: MARK and PAD have nothing to hide. */
    static boolean hasTags(RecordBuffer record) {
        return record.metaLength() > 0;
    }

    /** Returns the whole record as it is to stand in the file. It is valid until the next call. */
    byte[] encrypt(DataKey key, RecordBuffer record, long segmentKey, int forced, int offset) {
        int length = length(record);
        if (encrypted.length < length) {
            encrypted = new byte[length + (length >> 1)];
        }
        int metaLength = record.metaLength();
        int dataAt = RecordFormat.HEADER_BYTES + metaLength + TAG_BYTES;
        int end = dataAt + record.dataLength() + TAG_BYTES;
        RecordFormat.copyHeader(record.bytes(), encrypted, segmentKey, forced);
        try {
            part(Cipher.ENCRYPT_MODE, key, META, offset);
            cipher.updateAAD(encrypted, 0, RecordFormat.AUTHENTICATED_BYTES);
            cipher.doFinal(record.bytes(), RecordFormat.HEADER_BYTES, metaLength, encrypted, RecordFormat.HEADER_BYTES);
            part(Cipher.ENCRYPT_MODE, key, DATA, offset);
            cipher.updateAAD(encrypted, 0, RecordFormat.AUTHENTICATED_BYTES);
            int from = RecordFormat.HEADER_BYTES + metaLength;
            cipher.doFinal(record.bytes(), from, record.dataLength(), encrypted, dataAt);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("record cannot be encrypted", e);
        }
        RecordFormat.finishEncrypted(encrypted, dataAt, end);
        return encrypted;
    }

    private void part(int mode, DataKey key, int part, long offset) throws GeneralSecurityException {
        RecordFormat.putInt(nonce, 0, part);
        RecordFormat.putLong(nonce, 4, offset);
        cipher.init(mode, key.secret(), new GCMParameterSpec(TAG_BYTES * 8, nonce));
    }

    /** Decrypts a record's meta, with its tag at {@code from}, to {@code to}. */
    void decryptMeta(DataKey key, RecordHeader header, int offset, byte[] bytes, int from, byte[] to, int at)
            throws SpoolDamagedException {
        decrypt(key, META, header, offset, ByteBuffer.wrap(bytes, from, header.metaBytes()), to, at);
    }

    /** Decrypts a record's data, with its tag at {@code from}, to {@code to}. */
    void decryptData(DataKey key, RecordHeader header, int offset, byte[] bytes, int from, byte[] to, int at)
            throws SpoolDamagedException {
        decrypt(key, DATA, header, offset, ByteBuffer.wrap(bytes, from, header.dataBytes()), to, at);
    }

    private void decrypt(DataKey key, int part, RecordHeader header, int offset, ByteBuffer bytes, byte[] to, int at)
            throws SpoolDamagedException {
        try {
            part(Cipher.DECRYPT_MODE, key, part, offset);
            cipher.updateAAD(RecordFormat.authenticated(header));
            cipher.doFinal(bytes, ByteBuffer.wrap(to, at, bytes.remaining() - TAG_BYTES));
        } catch (AEADBadTagException e) {
            throw new SpoolDamagedException(
                    (part == META ? "meta" : "data") + " does not fit its tag: not what was encrypted here", e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("record cannot be decrypted", e);
        }
    }
}
