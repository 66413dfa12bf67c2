package org.backupmx.smtp.internal.codec;

/** The verb of a command line (RFC 5321 section 4.1.1, RFC 1985, RFC 3030, RFC 3207, XCLIENT of Postfix). */
public enum SmtpVerb {
    HELO,
    EHLO,
    MAIL,
    RCPT,
    DATA,
    BDAT,
    RSET,
    NOOP,
    VRFY,
    EXPN,
    ETRN,
    HELP,
    QUIT,
    STARTTLS,
    XCLIENT,
    UNKNOWN;

    /** Clears the bit in which lower-case letters differ, and nothing that is not a letter becomes one. */
    private static final int UPPER = 0xdfdfdfdf;

    /** Returns the verb that the first {@code length} octets of {@code line} write, in any case. */
    static SmtpVerb of(byte[] line, int length) {
        if (length == 8 && word(line, 0) == START && word(line, 4) == TTLS) {
            return STARTTLS;
        }
        if (length == 7 && word(line, 0) == XCLI && word(line, 3) == IENT) {
            return XCLIENT;
        }
        if (length != 4) {
            return UNKNOWN;
        }
        return switch (word(line, 0)) {
            case 'H' << 24 | 'E' << 16 | 'L' << 8 | 'O' -> HELO;
            case 'E' << 24 | 'H' << 16 | 'L' << 8 | 'O' -> EHLO;
            case 'M' << 24 | 'A' << 16 | 'I' << 8 | 'L' -> MAIL;
            case 'R' << 24 | 'C' << 16 | 'P' << 8 | 'T' -> RCPT;
            case 'D' << 24 | 'A' << 16 | 'T' << 8 | 'A' -> DATA;
            case 'B' << 24 | 'D' << 16 | 'A' << 8 | 'T' -> BDAT;
            case 'R' << 24 | 'S' << 16 | 'E' << 8 | 'T' -> RSET;
            case 'N' << 24 | 'O' << 16 | 'O' << 8 | 'P' -> NOOP;
            case 'V' << 24 | 'R' << 16 | 'F' << 8 | 'Y' -> VRFY;
            case 'E' << 24 | 'X' << 16 | 'P' << 8 | 'N' -> EXPN;
            case 'E' << 24 | 'T' << 16 | 'R' << 8 | 'N' -> ETRN;
            case 'H' << 24 | 'E' << 16 | 'L' << 8 | 'P' -> HELP;
            case 'Q' << 24 | 'U' << 16 | 'I' << 8 | 'T' -> QUIT;
            default -> UNKNOWN;
        };
    }

    private static final int START = 'S' << 24 | 'T' << 16 | 'A' << 8 | 'R';
    private static final int TTLS = 'T' << 24 | 'T' << 16 | 'L' << 8 | 'S';

    private static final int XCLI = 'X' << 24 | 'C' << 16 | 'L' << 8 | 'I';
    private static final int IENT = 'I' << 24 | 'E' << 16 | 'N' << 8 | 'T';

    private static int word(byte[] line, int at) {
        return (line[at] << 24 | (line[at + 1] & 0xff) << 16 | (line[at + 2] & 0xff) << 8 | (line[at + 3] & 0xff))
                & UPPER;
    }
}
