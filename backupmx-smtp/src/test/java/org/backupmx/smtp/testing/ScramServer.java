package org.backupmx.smtp.testing;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** The server's side of SCRAM-SHA-256, written from RFC 5802 section 3 as a second opinion. */
public final class ScramServer {

    private static final byte[] SALT = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private final String user;
    private final byte[] salted;
    private final int iterations;
    private String bareFirst = "";
    private String challenge = "";

    /** Knows one user. */
    public ScramServer(String user, String password, int iterations) {
        this.user = user;
        this.iterations = iterations;
        try {
            this.salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(new PBEKeySpec(password.toCharArray(), SALT, iterations, 256))
                    .getEncoded();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    /** Answers the first message. */
    public String challenge(String first) {
        if (!first.startsWith("n,,n=")) {
            throw new AssertionError(first);
        }
        bareFirst = first.substring(3);
        int nonceAt = bareFirst.lastIndexOf(",r=");
        String name = bareFirst.substring(2, nonceAt).replace("=2C", ",").replace("=3D", "=");
        if (!name.equals(user)) {
            throw new AssertionError(name + " (expected: " + user + ")");
        }
        challenge = "r=" + bareFirst.substring(nonceAt + 3) + "server,s="
                + Base64.getEncoder().encodeToString(SALT) + ",i=" + iterations;
        return challenge;
    }

    /** Answers the last message: a signature, or nothing if the proof is wrong. */
    public String signature(String last) {
        int proofAt = last.indexOf(",p=");
        byte[] auth = (bareFirst + "," + challenge + "," + last.substring(0, proofAt)).getBytes(StandardCharsets.UTF_8);
        byte[] proof = Base64.getDecoder().decode(last.substring(proofAt + 3));
        try {
            byte[] stored = MessageDigest.getInstance("SHA-256").digest(hmac(salted, bytes("Client Key")));
            byte[] signature = hmac(stored, auth);
            for (int i = 0; i < proof.length; i++) {
                proof[i] ^= signature[i];
            }
            if (!MessageDigest.isEqual(MessageDigest.getInstance("SHA-256").digest(proof), stored)) {
                return "";
            }
            return "v=" + Base64.getEncoder().encodeToString(hmac(hmac(salted, bytes("Server Key")), auth));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] hmac(byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(message);
    }
}
