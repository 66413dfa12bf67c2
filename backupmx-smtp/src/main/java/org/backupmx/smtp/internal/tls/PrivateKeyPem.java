package org.backupmx.smtp.internal.tls;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;

/**
 * Reads the private key of a certificate: PKCS#8 (RFC 5208), or the older forms of RSA (PKCS#1, RFC 8017 appendix A.1.2)
 * and EC keys (RFC 5915), none of them with a password.
 */
final class PrivateKeyPem {

    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 0x04;
    private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};

    private PrivateKeyPem() {}

    static PrivateKey read(PemFile file, X509Certificate certificate, String certificateFile) throws CertificateFault {
        PemFile.Block block = file.blocks().stream()
                .filter(candidate -> candidate.label().endsWith("PRIVATE KEY"))
                .findFirst()
                .orElseThrow(() -> new CertificateFault(file.path() + " (expected: a private key in PEM form)"));
        if (block.isEncrypted()) {
            throw new CertificateFault(file.path() + " holds a key with a password (expected: one without;"
                    + " openssl pkey -in KEY -out NEW makes it)");
        }
        PublicKey publicKey = certificate.getPublicKey();
        String algorithm = publicKey.getAlgorithm();
        byte[] pkcs8 = switch (block.label()) {
            case "PRIVATE KEY" -> file.der(block);
            case "RSA PRIVATE KEY", "EC PRIVATE KEY" -> {
                if (!block.label().startsWith(algorithm)) {
                    throw notItsKey(file, algorithm, certificateFile);
                }
                yield pkcs8(publicKey.getEncoded(), file.der(block));
            }
            default ->
                throw new CertificateFault(file.path() + " holds a " + block.label()
                        + " (expected: PKCS#8, PKCS#1 or EC; openssl pkey -in KEY -out NEW makes PKCS#8)");
        };
        try {
            PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            if (belongTogether(key, publicKey)) {
                return key;
            }
        } catch (GeneralSecurityException e) {
            throw notItsKey(file, algorithm, certificateFile);
        }
        throw new CertificateFault(
                file.path() + " is another certificate's key (expected: the key of " + certificateFile + ")");
    }

    private static CertificateFault notItsKey(PemFile file, String algorithm, String certificateFile) {
        return new CertificateFault(file.path() + " (expected: the " + algorithm + " key of " + certificateFile + ")");
    }

    /** Wraps an older form: what it does not say of its algorithm, the certificate does. */
    private static byte[] pkcs8(byte[] subjectPublicKeyInfo, byte[] older) {
        byte[] algorithm = firstElement(content(subjectPublicKeyInfo));
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes(VERSION_0);
        content.writeBytes(algorithm);
        content.writeBytes(element(OCTET_STRING, older));
        return element(SEQUENCE, content.toByteArray());
    }

    /** The content of a DER element that the JDK encoded. */
    private static byte[] content(byte[] element) {
        return Arrays.copyOfRange(element, headerLength(element), element.length);
    }

    private static byte[] firstElement(byte[] elements) {
        int header = headerLength(elements);
        int length = elements[1] & 0xff;
        if (length >= 0x80) {
            length = 0;
            for (int i = 2; i < header; i++) {
                length = length << 8 | elements[i] & 0xff;
            }
        }
        return Arrays.copyOf(elements, header + length);
    }

    private static int headerLength(byte[] element) {
        int length = element[1] & 0xff;
        return length < 0x80 ? 2 : 2 + (length & 0x7f);
    }

    private static byte[] element(int tag, byte[] content) {
        ByteArrayOutputStream element = new ByteArrayOutputStream();
        element.write(tag);
        if (content.length < 0x80) {
            element.write(content.length);
        } else {
            int octets = (Integer.SIZE - Integer.numberOfLeadingZeros(content.length) + 7) / 8;
            element.write(0x80 | octets);
            for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
                element.write(content.length >> shift);
            }
        }
        element.writeBytes(content);
        return element.toByteArray();
    }

    /** By a signature: what the private key says of itself need not be true. */
    private static boolean belongTogether(PrivateKey key, PublicKey publicKey) throws GeneralSecurityException {
        String algorithm = key.getAlgorithm();
        Signature signature = Signature.getInstance(
                switch (algorithm) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> algorithm;
                });
        byte[] something = new byte[32];
        signature.initSign(key);
        signature.update(something);
        byte[] signed = signature.sign();
        signature.initVerify(publicKey);
        signature.update(something);
        try {
            return signature.verify(signed);
        } catch (SignatureException e) {
            return false; // of another size
        }
    }
}
