package org.backupmx.smtp.internal.codec;

import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.ReversePath;

/**
 * A well-formed MAIL.
 *
 * @param path the reverse-path, source route dropped
 * @param sizeBytes SIZE, -1 when not given; more than a long holds becomes the largest one
 */
public record MailCommand(
        ReversePath path, long sizeBytes, BodyType bodyType, boolean smtpUtf8, DsnParameters dsn, boolean requireTls)
        implements MailLine {}
