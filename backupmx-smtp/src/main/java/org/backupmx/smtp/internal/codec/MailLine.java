package org.backupmx.smtp.internal.codec;

/** What the argument of MAIL turned out to be. */
public sealed interface MailLine permits MailCommand, SyntaxError {}
