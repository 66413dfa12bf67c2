package org.backupmx.smtp.internal.server;

import java.nio.ByteBuffer;
import org.backupmx.intake.MailDataSink;
import org.backupmx.smtp.internal.codec.MailDataDecoder;
import org.backupmx.smtp.internal.server.SessionState.Phase;

/** The mail data of a session's messages, on its way run by run from the client to the intake. */
final class SessionMailData {

    private final ServerSettings settings;
    private final SessionState state;
    private final SessionReplies replies;
    private final OpenQuestion question;
    private final MailDataDecoder decoder = new MailDataDecoder();

    SessionMailData(ServerSettings settings, SessionState state, SessionReplies replies, OpenQuestion question) {
        this.settings = settings;
        this.state = state;
        this.replies = replies;
        this.question = question;
    }

    /** Lets a message begin. */
    void begin(MailDataSink sink) {
        state.transfer = new MailTransfer(decoder, sink, settings.bareLineEnds(), state.maxMessageBytes);
        state.phase = Phase.MAIL_DATA;
        state.waitFromNow();
        replies.say(FixedReply.START_MAIL_INPUT);
    }

    /** Takes one run of mail data, or its end. */
    void take(ByteBuffer octets) {
        MailTransfer taking = state.transfer();
        ByteBuffer run = taking.next(octets);
        if (run != null) {
            if (taking.refusal() == null) {
                question.ask(Question.WRITE, run, (s, written) -> s.transfer().write(written));
            } else if (taking.isHopeless()) {
                replies.leave(FixedReply.TOO_MUCH_DATA);
            }
        } else if (taking.isEnded()) {
            state.waitFromNow();
            FixedReply refusal = taking.refusal();
            if (refusal == null) {
                question.ask(Question.FINISH, taking, (s, finished) -> finished.finish());
            } else {
                state.endTransaction();
                replies.say(refusal);
            }
        }
    }
}
