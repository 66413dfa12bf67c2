package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.jspecify.annotations.Nullable;

/** The parameters of RCPT (RFC 3461): NOTIFY and ORCPT. Immutable and thread-safe. */
public final class RcptParameters {

    private static final RcptParameters NONE = new RcptParameters(Set.of(), null);

    private final Set<Notify> notifications;
    private final @Nullable String orcpt;

    private RcptParameters(Set<Notify> notifications, @Nullable String orcpt) {
        this.notifications = Set.copyOf(notifications);
        this.orcpt = orcpt;
    }

    /**
     * Returns the absence of parameters.
     *
     * @return none given
     */
    public static RcptParameters none() {
        return NONE;
    }

    /**
     * Returns parameters.
     *
     * @param notifications NOTIFY, empty when not given
     * @param orcpt ORCPT as received, empty when not given
     * @return the parameters
     */
    public static RcptParameters of(Set<Notify> notifications, Optional<String> orcpt) {
        return new RcptParameters(notifications, orcpt.orElse(null));
    }

    /**
     * Returns the recipient that these parameters make of a forward-path.
     *
     * @param path the forward-path
     * @return the recipient
     * @throws IllegalArgumentException if a parameter is not well-formed
     */
    public Recipient recipient(ForwardPath path) {
        Recipient recipient = Recipient.of(requireNonNull(path, "path"));
        if (!notifications.isEmpty()) {
            recipient = recipient.withNotify(notifications);
        }
        return orcpt == null ? recipient : recipient.withOrcpt(orcpt);
    }
}
