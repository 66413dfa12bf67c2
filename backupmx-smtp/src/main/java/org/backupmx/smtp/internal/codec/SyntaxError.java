package org.backupmx.smtp.internal.codec;

import org.backupmx.mail.SmtpReply;

/** What can be wrong with the argument of MAIL or RCPT, each with its reply. */
public enum SyntaxError implements MailLine, RcptLine {
    MAIL_ARGUMENT(501, "5.5.4", "Syntax: MAIL FROM:<reverse-path> [parameters]"),
    RCPT_ARGUMENT(501, "5.5.4", "Syntax: RCPT TO:<forward-path> [parameters]"),
    REVERSE_PATH(501, "5.1.7", "Bad reverse-path syntax"),
    FORWARD_PATH(501, "5.1.3", "Bad forward-path syntax"),
    NEEDS_SMTPUTF8(553, "5.6.7", "Address needs SMTPUTF8"),
    PARAMETER_VALUE(501, "5.5.4", "Bad or repeated parameter"),
    PARAMETER_UNKNOWN(555, "5.5.4", "Parameter not recognized or not implemented");

    private final int code;
    private final String enhanced;
    private final String text;

    SyntaxError(int code, String enhanced, String text) {
        this.code = code;
        this.enhanced = enhanced;
        this.text = text;
    }

    /** Returns the reply to a line with this error. */
    public SmtpReply reply() {
        return SmtpReply.of(code, enhanced, text);
    }
}
