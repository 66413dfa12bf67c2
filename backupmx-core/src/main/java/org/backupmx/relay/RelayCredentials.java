package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.nio.CharBuffer;
import java.util.Arrays;
import java.util.function.Function;

/**
 * A user name and a password by which a primary lets us in (RFC 4954). Immutable and thread-safe.
 *
 * <p>The password is kept in characters of its own and shown to nobody: not by {@link #toString()}, not by an accessor. It
 * stands in memory as long as this does.
 */
public final class RelayCredentials {

    /** The most characters of a user name or password: {@value}. */
    public static final int MAX_CHARS = 1024;

    private final String user;
    private final char[] password;

    private RelayCredentials(String user, char[] password) {
        this.user = user;
        this.password = password;
    }

    /**
     * Returns the credentials of a user.
     *
     * @param user the user name, 1 to {@value #MAX_CHARS} characters without control characters
     * @param password the password, of the same length and form; copied, so that the caller may wipe it
     * @return the credentials
     * @throws IllegalArgumentException if one has another form; the message does not show the password
     */
    public static RelayCredentials of(String user, char[] password) {
        requireNonNull(user, "user");
        requireNonNull(password, "password");
        if (!isText(CharBuffer.wrap(user))) {
            throw new IllegalArgumentException("user: " + user.length() + " characters (expected: 1 to " + MAX_CHARS
                    + " without control characters)");
        }
        if (!isText(CharBuffer.wrap(password))) {
            throw new IllegalArgumentException("password: " + password.length + " characters (expected: 1 to "
                    + MAX_CHARS + " without control characters)");
        }
        return new RelayCredentials(user, password.clone());
    }

    private static boolean isText(CharSequence value) {
        return value.length() >= 1
                && value.length() <= MAX_CHARS
                && value.chars().noneMatch(Character::isISOControl);
    }

    /**
     * Returns the user name.
     *
     * @return the user name
     */
    public String user() {
        return user;
    }

    /**
     * Lends the password.
     *
     * @param use gets a copy that is wiped when it returns
     * @param <T> what it makes of it
     * @return what it made of it
     */
    public <T> T lend(Function<char[], T> use) {
        char[] copy = password.clone();
        try {
            return use.apply(copy);
        } finally {
            Arrays.fill(copy, '\0');
        }
    }

    /** Two are equal if both parts are; the time it takes to tell says nothing of the password. */
    @Override
    public boolean equals(Object o) {
        return o instanceof RelayCredentials other && user.equals(other.user) && isSame(password, other.password);
    }

    private static boolean isSame(char[] one, char[] two) {
        int difference = one.length ^ two.length;
        for (int i = 0; i < Math.min(one.length, two.length); i++) {
            difference |= one[i] ^ two[i];
        }
        return difference == 0;
    }

    @Override
    public int hashCode() {
        return user.hashCode();
    }

    /** Returns the user name alone. */
    @Override
    public String toString() {
        return "RelayCredentials[user=" + user + "]";
    }
}
