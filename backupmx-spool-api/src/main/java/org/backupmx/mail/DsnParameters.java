package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The DSN parameters of MAIL (RFC 3461 sections 4.3 and 4.4): RET and ENVID. Immutable and thread-safe. */
public final class DsnParameters {

    /** The longest ENVID, in characters as on the wire: {@value} (RFC 3461 section 5.4). */
    public static final int MAX_ENVID_CHARS = 100;

    private static final DsnParameters NONE = new DsnParameters(null, null);

    private final @Nullable Ret ret;
    private final @Nullable String envid;

    private DsnParameters(@Nullable Ret ret, @Nullable String envid) {
        this.ret = ret;
        this.envid = envid;
    }

    /**
     * Returns the absence of both parameters.
     *
     * @return neither RET nor ENVID
     */
    public static DsnParameters none() {
        return NONE;
    }

    /**
     * Returns these parameters with RET.
     *
     * @param value how much a DSN returns
     * @return a copy
     */
    public DsnParameters withRet(Ret value) {
        return new DsnParameters(requireNonNull(value, "value"), envid);
    }

    /**
     * Returns these parameters with ENVID.
     *
     * @param value the envelope identifier in its xtext form, exactly as received; 1 to {@value #MAX_ENVID_CHARS}
     *     printable ASCII characters
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is longer or has other characters
     */
    public DsnParameters withEnvid(String value) {
        requireNonNull(value, "value");
        if (value.isEmpty() || value.length() > MAX_ENVID_CHARS || !Xtext.isXtext(value)) {
            throw new IllegalArgumentException(
                    "envid: " + Printable.of(value) + " (expected: 1 to " + MAX_ENVID_CHARS + " characters of xtext)");
        }
        return new DsnParameters(ret, value);
    }

    /**
     * Returns how much of the message a failure DSN returns.
     *
     * @return RET, empty when the client left it to us
     */
    public Optional<Ret> ret() {
        return Optional.ofNullable(ret);
    }

    /**
     * Returns the envelope identifier.
     *
     * @return ENVID in its xtext form, empty when not given
     */
    public Optional<String> envid() {
        return Optional.ofNullable(envid);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof DsnParameters other && ret == other.ret && envid().equals(other.envid());
    }

    @Override
    public int hashCode() {
        return ret().hashCode() * 31 + envid().hashCode();
    }

    /** Returns the parameters as they stand after MAIL, for example {@code RET=HDRS ENVID=QQ314159}. */
    @Override
    public String toString() {
        String r = ret == null ? "" : "RET=" + ret;
        String e = envid == null ? "" : "ENVID=" + envid;
        return r.isEmpty() || e.isEmpty() ? r + e : r + ' ' + e;
    }
}
