package org.backupmx.smtp.internal.codec;

/** What the argument of RCPT turned out to be. */
public sealed interface RcptLine permits RcptCommand, SyntaxError {}
