package org.backupmx.spool.file;

import javax.crypto.SecretKey;

/** The key of one segment's records, and the id of the key that it is wrapped with. */
record DataKey(String keyId, SecretKey secret) {

    @Override
    public String toString() {
        return "data key under " + keyId;
    }
}
