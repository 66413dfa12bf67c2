package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

/**
 * Whether a message came from who its reverse-path says: only then may a DSN answer it later, for a forged reverse-path
 * names somebody who has nothing to do with it. Immutable and thread-safe.
 */
public sealed interface SenderVerification {

    /**
     * It did.
     *
     * @param by what showed it, such as {@code trusted-network}: 1 to 32 lower-case letters, digits and hyphens
     */
    record Verified(String by) implements SenderVerification {
        /** Checks the word. */
        public Verified {
            requireNonNull(by, "by");
            boolean good = !by.isEmpty() && by.length() <= 32;
            for (int i = 0; good && i < by.length(); i++) {
                char c = by.charAt(i);
                good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
            }
            if (!good) {
                throw new IllegalArgumentException("by: " + by.length()
                        + " characters (expected: 1 to 32 lower-case letters, digits and hyphens)");
            }
        }
    }

    /** It is not known. */
    enum Unverified implements SenderVerification {
        /** The one value. */
        INSTANCE
    }

    /**
     * Returns that the sender is verified.
     *
     * @param by what showed it: 1 to 32 lower-case letters, digits and hyphens
     * @return the verification
     * @throws IllegalArgumentException if {@code by} has another form
     */
    static SenderVerification verified(String by) {
        return new Verified(by);
    }

    /**
     * Returns that nothing is known of the sender.
     *
     * @return the verification
     */
    static SenderVerification unverified() {
        return Unverified.INSTANCE;
    }
}
