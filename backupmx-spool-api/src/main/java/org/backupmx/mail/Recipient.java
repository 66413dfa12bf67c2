package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One recipient of an envelope: its forward-path and the DSN parameters of its RCPT (RFC 3461 sections 4.1 and 4.2).
 * Immutable and thread-safe.
 */
public final class Recipient {

    /** The longest ORCPT, in characters as on the wire: {@value} (RFC 3461 section 5.4). */
    public static final int MAX_ORCPT_CHARS = 500;

    private final ForwardPath path;
    private final Set<Notify> notifications;
    private final @Nullable String orcpt;

    private Recipient(ForwardPath path, Set<Notify> notifications, @Nullable String orcpt) {
        this.path = path;
        this.notifications = notifications;
        this.orcpt = orcpt;
    }

    /**
     * Returns a recipient without DSN parameters.
     *
     * @param path the forward-path
     * @return the recipient
     */
    public static Recipient of(ForwardPath path) {
        return new Recipient(requireNonNull(path, "path"), Set.of(), null);
    }

    /**
     * Returns this recipient with NOTIFY.
     *
     * @param values when the sender wants a DSN; empty for «not given»; {@link Notify#NEVER} stands alone
     * @return a copy
     * @throws IllegalArgumentException if {@link Notify#NEVER} is not alone
     */
    public Recipient withNotify(Set<Notify> values) {
        requireNonNull(values, "values");
        if (values.contains(Notify.NEVER) && values.size() > 1) {
            throw new IllegalArgumentException("notify: " + values + " (expected: NEVER alone, or others without it)");
        }
        return new Recipient(
                path, values.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(values)), orcpt);
    }

    /**
     * Returns this recipient with ORCPT.
     *
     * @param value the original recipient, exactly as received: {@code addr-type;xtext}; at most
     *     {@value #MAX_ORCPT_CHARS} characters, none of them space, control or {@code =}
     * @return a copy
     * @throws IllegalArgumentException if {@code value} has another form
     */
    public Recipient withOrcpt(String value) {
        requireNonNull(value, "value");
        int semicolon = value.indexOf(';');
        boolean plain = value.chars().allMatch(c -> c > ' ' && c != 0x7f && c != '=' && !Character.isISOControl(c));
        if (semicolon <= 0 || semicolon == value.length() - 1 || value.length() > MAX_ORCPT_CHARS || !plain) {
            throw new IllegalArgumentException("orcpt: " + Printable.of(value)
                    + " (expected: addr-type;xtext of at most " + MAX_ORCPT_CHARS + " characters)");
        }
        return new Recipient(path, notifications, value);
    }

    /**
     * Returns the forward-path.
     *
     * @return where this recipient's mail goes
     */
    public ForwardPath path() {
        return path;
    }

    /**
     * Returns the domain this recipient's mail goes to: its lane in the spool.
     *
     * @return the forward-path's domain
     */
    public MailDomain domain() {
        return path.domain();
    }

    /**
     * Returns when the sender wants a DSN. (Named so because {@code notify()} belongs to {@link Object}.)
     *
     * @return NOTIFY; empty when not given, which means {@link Notify#FAILURE} and perhaps {@link Notify#DELAY}
     */
    public Set<Notify> notifications() {
        return notifications;
    }

    /**
     * Returns the original recipient.
     *
     * @return ORCPT as received, empty when not given
     */
    public Optional<String> orcpt() {
        return Optional.ofNullable(orcpt);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Recipient other
                && path.equals(other.path)
                && notifications.equals(other.notifications)
                && orcpt().equals(other.orcpt());
    }

    @Override
    public int hashCode() {
        return path.hashCode();
    }

    /** Returns the forward-path as text. */
    @Override
    public String toString() {
        return path.toString();
    }
}
