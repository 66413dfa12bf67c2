package org.backupmx.intake;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;

/**
 * Takes the mail data of one transaction: dot transparency undone, without the end-of-data line. What came by BDAT (RFC
 * 3030) may lack the last line end.
 *
 * <p>One call at a time, as with {@link IntakeSession}; {@link #abandon()} alone may come at any time.
 */
public interface MailDataSink {

    /**
     * Takes the next octets.
     *
     * @param mailData the octets between position and limit; the engine leaves them alone until the stage completes
     * @return completes when the buffer is the engine's again; never fails for a reason of mail: that is told at the end
     */
    CompletionStage<Void> write(ByteBuffer mailData);

    /**
     * Ends mail data. The verdict is {@link Verdict.Accept} only when the message is on stable storage.
     *
     * @return the verdict on the whole transaction, which is then over
     */
    CompletionStage<Verdict> finish();

    /** Forgets the transaction: the client is gone or broke the rules. Does nothing after {@link #finish()}. */
    void abandon();
}
