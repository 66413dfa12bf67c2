package org.backupmx.smtp.internal.client;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677): the messages as text, before Base64.
 * Names and passwords are taken as they are, in UTF-8; who has others than ASCII sees to it that SASLprep leaves them alone.
 * Not thread-safe.
 */
final class ScramSha256 {

    /** Fewer iterations than RFC 7677 section 4 asks for make it cheap to find the password. */
    static final int LEAST_ITERATIONS = 4096;

    /** More than anybody needs, and about a second of work. */
    static final int MOST_ITERATIONS = 1_000_000;

    private static final String NO_BINDING = "n,,";

    /** The server does not keep to the protocol, or does not know the password. */
    static final class ScramFault extends Exception {
        private static final long serialVersionUID = 1;

        ScramFault(String message) {
            super(message);
        }
    }

    private final String nonce;
    private final String bareFirst;
    private byte @Nullable [] serverSignature;

    /** Begins as a user; {@code nonce} is printable ASCII without a comma, new each time. */
    ScramSha256(String user, String nonce) {
        this.nonce = nonce;
        this.bareFirst = "n=" + user.replace("=", "=3D").replace(",", "=2C") + ",r=" + nonce;
    }

    String first() {
        return NO_BINDING + bareFirst;
    }

    /** Answers the challenge. Takes a while: not for an event loop. */
    String last(String serverFirst, char[] password) throws ScramFault {
        Map<Character, String> parts = parts(serverFirst);
        String both = part(parts, 'r');
        if (parts.containsKey('m') || !both.startsWith(nonce) || both.length() == nonce.length()) {
            throw new ScramFault("a challenge that does not fit");
        }
        byte[] salt = decode(part(parts, 's'));
        int iterations = iterations(part(parts, 'i'));
        String withoutProof = "c=" + encode(NO_BINDING.getBytes(StandardCharsets.US_ASCII)) + ",r=" + both;
        byte[] signed = (bareFirst + "," + serverFirst + "," + withoutProof).getBytes(StandardCharsets.UTF_8);
        byte[] salted = salted(password, salt, iterations);
        try {
            byte[] proof = hmac(salted, "Client Key".getBytes(StandardCharsets.US_ASCII));
            byte[] signature = hmac(MessageDigest.getInstance("SHA-256").digest(proof), signed);
            for (int i = 0; i < proof.length; i++) {
                proof[i] ^= signature[i];
            }
            serverSignature = hmac(hmac(salted, "Server Key".getBytes(StandardCharsets.US_ASCII)), signed);
            return withoutProof + ",p=" + encode(proof);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has SHA-256
        } finally {
            Arrays.fill(salted, (byte) 0);
        }
    }

    /** Checks that the server knows the password, too. */
    void check(String serverLast) throws ScramFault {
        Map<Character, String> parts = parts(serverLast);
        if (parts.containsKey('e')) {
            throw new ScramFault("the password is refused");
        }
        byte[] signature = decode(part(parts, 'v'));
        if (serverSignature == null || !MessageDigest.isEqual(serverSignature, signature)) {
            throw new ScramFault("a server that does not know the password");
        }
    }

    private static Map<Character, String> parts(String message) throws ScramFault {
        Map<Character, String> parts = new HashMap<>();
        for (String part : message.split(",", -1)) {
            if (part.length() < 2 || part.charAt(1) != '=' || parts.put(part.charAt(0), part.substring(2)) != null) {
                throw new ScramFault("a challenge that cannot be read");
            }
        }
        return parts;
    }

    private static String part(Map<Character, String> parts, char name) throws ScramFault {
        String value = parts.get(name);
        if (value == null || value.isEmpty()) {
            throw new ScramFault("a challenge without " + name);
        }
        return value;
    }

    private static int iterations(String digits) throws ScramFault {
        int count = digits.matches("\\d{1,7}") ? Integer.parseInt(digits) : 0;
        if (count < LEAST_ITERATIONS || count > MOST_ITERATIONS) {
            throw new ScramFault(
                    "a number of iterations that is not from " + LEAST_ITERATIONS + " to " + MOST_ITERATIONS);
        }
        return count;
    }

    private static byte[] salted(char[] password, byte[] salt, int iterations) {
        PBEKeySpec spec = new PBEKeySpec(password, salt, iterations, 256);
        try {
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(spec)
                    .getEncoded();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has it
        } finally {
            spec.clearPassword();
        }
    }

    private static byte[] hmac(byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(message);
    }

    private static String encode(byte[] octets) {
        return Base64.getEncoder().encodeToString(octets);
    }

    private static byte[] decode(String text) throws ScramFault {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new ScramFault("a challenge that is not Base64");
        }
    }
}
