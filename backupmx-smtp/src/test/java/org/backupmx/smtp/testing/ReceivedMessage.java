package org.backupmx.smtp.testing;

import java.util.List;

/** A message that a {@link FakePrimary} answered 2yz. Immutable. */
public final class ReceivedMessage {

    private final String mail;
    private final List<String> rcpts;
    private final byte[] data;

    ReceivedMessage(String mail, List<String> rcpts, byte[] data) {
        this.mail = mail;
        this.rcpts = rcpts;
        this.data = data;
    }

    /** The MAIL command line. */
    public String mail() {
        return mail;
    }

    /** The RCPT command lines that were answered 2yz. */
    public List<String> rcpts() {
        return rcpts;
    }

    /** The mail data, dots unstuffed, octet for octet. */
    public byte[] data() {
        return data.clone();
    }

    /** The address of the MAIL command, without angle brackets. */
    public String reversePath() {
        return path(mail);
    }

    /** The addresses of the RCPT commands, without angle brackets. */
    public List<String> forwardPaths() {
        return rcpts.stream().map(ReceivedMessage::path).toList();
    }

    private static String path(String command) {
        return command.substring(command.indexOf('<') + 1, command.lastIndexOf('>'));
    }
}
