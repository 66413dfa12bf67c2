package org.backupmx.smtp.internal.codec;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Mail data as it is taken out of what a client sends, run by run: {@link MailDataDecoder} or {@link BdatDecoder}. */
public sealed interface MailDataRuns permits MailDataDecoder, BdatDecoder {

    /** Begins another message. */
    void reset();

    /**
     * Returns the next run of mail data and moves the input's position behind it.
     *
     * @param in the octets that came; its limit and its position are used, its mark is not
     * @return a run, never empty; null when the input is used up or the end was read
     */
    @Nullable
    ByteBuffer next(ByteBuffer in);

    /** Tells whether the end was read; what follows in the input is not mail data. */
    boolean isEnded();

    /** Tells whether a bare CR or LF has been repaired. */
    boolean sawBareLineEnd();

    /** Tells whether a line was longer than {@value MailDataDecoder#MAX_LINE_OCTETS} octets. */
    boolean sawLineTooLong();
}
