package org.backupmx.smtp.internal.server;

/** What the intake can be asked, and the clock. */
enum Question {
    CONNECT,
    /** Asked of the clock: whether the pause before the banner is over. */
    PAUSE,
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
