/**
 * The receiving side: one {@code SmtpServerSession} a connection, run by its event loop alone, asks the intake and speaks
 * RFC 5321.
 */
@NullMarked
package org.backupmx.smtp.internal.server;

import org.jspecify.annotations.NullMarked;
