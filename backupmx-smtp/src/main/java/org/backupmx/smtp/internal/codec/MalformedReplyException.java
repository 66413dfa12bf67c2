package org.backupmx.smtp.internal.codec;

import io.netty.handler.codec.DecoderException;

/** A server said something that is no SMTP reply, or is too much of one. */
public final class MalformedReplyException extends DecoderException {

    /**
     * Ends a dialogue.
     *
     * @param reason what was wrong: a constant text without anything of the peer's
     */
    public MalformedReplyException(String reason) {
        super(reason);
    }

    /**
     * Returns what was wrong.
     *
     * @return the reason
     */
    public String reason() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}
