package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * A certificate of ours by which a primary knows us in TLS, with its key. Shown to who asks for one in the handshake.
 * Immutable and thread-safe.
 */
public final class ClientCertificate {

    private final List<X509Certificate> chain;
    private final PrivateKey key;

    private ClientCertificate(List<X509Certificate> chain, PrivateKey key) {
        this.chain = chain;
        this.key = key;
    }

    /**
     * Returns a certificate with its key.
     *
     * @param chain the certificate and those that lead to its root, ours first
     * @param key its key
     * @return both
     * @throws IllegalArgumentException if there is no certificate, or the key is of another kind
     */
    public static ClientCertificate of(List<X509Certificate> chain, PrivateKey key) {
        List<X509Certificate> copy = List.copyOf(chain);
        requireNonNull(key, "key");
        if (copy.isEmpty()) {
            throw new IllegalArgumentException("chain: [] (expected: at least one certificate)");
        }
        String algorithm = copy.get(0).getPublicKey().getAlgorithm();
        if (!algorithm.equals(key.getAlgorithm())) {
            throw new IllegalArgumentException(
                    "key: of " + key.getAlgorithm() + " (expected: " + algorithm + ", as the certificate)");
        }
        return new ClientCertificate(copy, key);
    }

    /**
     * Returns the certificates.
     *
     * @return ours first
     */
    public List<X509Certificate> chain() {
        return chain;
    }

    /**
     * Returns the key.
     *
     * @return the key of the first certificate
     */
    public PrivateKey key() {
        return key;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ClientCertificate other && chain.equals(other.chain) && key.equals(other.key);
    }

    @Override
    public int hashCode() {
        return chain.hashCode();
    }

    /** Returns whose certificate it is, and nothing of the key. */
    @Override
    public String toString() {
        return "ClientCertificate[" + chain.get(0).getSubjectX500Principal() + "]";
    }
}
