package org.backupmx.smtp.internal.server;

/** What the intake can be asked. */
enum Question {
    CONNECT,
    HELO,
    EHLO,
    MAIL,
    RCPT,
    ETRN,
    DATA,
    BDAT,
    WRITE,
    FINISH
}
