package org.backupmx.spool.file;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Keys made of their ids; the first is the current one. */
record TestKeys(String currentId, Map<String, SecretKey> keys) implements SpoolKeys {

    static TestKeys of(String current, String... others) {
        Map<String, SecretKey> keys = new HashMap<>();
        keys.put(current, key(current.hashCode()));
        for (String other : others) {
            keys.put(other, key(other.hashCode()));
        }
        return new TestKeys(current, keys);
    }

    static SecretKey key(long seed) {
        byte[] octets = new byte[32];
        new Random(seed).nextBytes(octets);
        return new SecretKeySpec(octets, "AES");
    }

    @Override
    public Optional<SecretKey> find(String id) {
        return Optional.ofNullable(keys.get(id));
    }
}
