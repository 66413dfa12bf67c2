package org.backupmx.smtp.internal.codec;

import java.util.Set;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.jspecify.annotations.Nullable;

/**
 * A well-formed RCPT.
 *
 * @param path the forward-path, source route dropped; null for {@code <postmaster>} without a domain
 * @param notifications NOTIFY, empty when not given
 * @param orcpt ORCPT as received, null when not given
 */
public record RcptCommand(
        @Nullable ForwardPath path,
        Set<Notify> notifications,
        @Nullable String orcpt) implements RcptLine {}
