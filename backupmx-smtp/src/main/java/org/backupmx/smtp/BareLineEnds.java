package org.backupmx.smtp;

/** What becomes of mail data with a bare CR or a bare LF, after DATA or BDAT. In neither case can one end mail data. */
public enum BareLineEnds {
    /** Each is made a CRLF once the end of mail data has been found. The default. */
    NORMALISE,
    /** The message is refused with 550 5.5.2. */
    REJECT
}
