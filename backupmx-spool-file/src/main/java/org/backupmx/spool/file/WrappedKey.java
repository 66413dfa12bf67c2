package org.backupmx.spool.file;

/**
 * A segment's data key as its header has it: AES-256-GCM under the key of that id. {@link #ERASED} stands where it was
 * overwritten because nothing of the segment is needed. Nobody changes its arrays.
 */
final class WrappedKey {

    static final int NONCE_BYTES = 12;
    static final int SEALED_BYTES = Encryption.KEY_BYTES + RecordCipher.TAG_BYTES;

    static final WrappedKey ERASED = new WrappedKey("", new byte[NONCE_BYTES], new byte[SEALED_BYTES]);

    private final String keyId;
    private final byte[] nonce;
    private final byte[] sealed;

    WrappedKey(String keyId, byte[] nonce, byte[] sealed) {
        this.keyId = keyId;
        this.nonce = nonce;
        this.sealed = sealed;
    }

    String keyId() {
        return keyId;
    }

    byte[] nonce() {
        return nonce;
    }

    /** Returns the encrypted data key and its tag. */
    byte[] sealed() {
        return sealed;
    }

    boolean isErased() {
        return keyId.isEmpty();
    }
}
