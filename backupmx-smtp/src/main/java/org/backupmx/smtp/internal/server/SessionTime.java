package org.backupmx.smtp.internal.server;

import java.util.concurrent.TimeUnit;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.internal.server.SessionState.Phase;

/** Ends a session that is over time: each phase has its own bound, and the whole session one more. */
final class SessionTime {

    /** How long an answer of the intake may take. */
    private static final long ANSWER_NANOS = TimeUnit.MINUTES.toNanos(10);

    /** How long a proxy may take to say who its client is. */
    private static final long PROXY_HEADER_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final SmtpServerSession session;
    private final SmtpLimits limits;
    private final LoopSessions loop;
    private final SessionState state;
    private final OpenQuestion question;
    private final SessionChunks chunks;
    private final EarlyTalk earlyTalk;
    private final SessionLog log;
    private final long startedNanos;

    SessionTime(
            SmtpServerSession session,
            ServerSettings settings,
            LoopSessions loop,
            SessionState state,
            OpenQuestion question,
            SessionChunks chunks,
            EarlyTalk earlyTalk,
            SessionLog log,
            long startedNanos) {
        this.session = session;
        this.limits = settings.limits();
        this.loop = loop;
        this.state = state;
        this.question = question;
        this.chunks = chunks;
        this.earlyTalk = earlyTalk;
        this.log = log;
        this.startedNanos = startedNanos;
    }

    /** Looks at the clock of the last sweep. */
    void check() {
        long waited = state.waitedNanos();
        switch (state.phase) {
            case PROXY_HEADER -> {
                if (waited > PROXY_HEADER_NANOS) {
                    session.turnAway("no PROXY header in time");
                }
            }
            case REFUSED -> {
                if (waited > SessionGreeting.REFUSED_NANOS) {
                    session.cut(FixedReply.TIMEOUT);
                }
            }
            case HANDSHAKE -> {
                if (waited > limits.handshakeTime().toNanos()) {
                    log.handshakeFailed("not done in " + limits.handshakeTime());
                    state.phase = Phase.LEAVING;
                    session.ctx().close();
                }
            }
            case LEAVING -> {
                if (waited > SessionOutput.LINGER_NANOS) {
                    session.ctx().close();
                }
            }
            case GONE -> {
                // only an answer of the intake is waited for
            }
            case CONNECTING, GREETED, READY, TRANSACTION, MAIL_DATA -> checkDialogue(waited);
        }
    }

    private void checkDialogue(long waited) {
        if (question.isOpen()) {
            earlyTalk.checkTime(loop.now());
            if (waited > ANSWER_NANOS) {
                session.cut(FixedReply.NO_SERVICE);
            }
        } else if (loop.now() - startedNanos > limits.sessionTime().toNanos()) {
            session.cut(FixedReply.SESSION_TOO_LONG);
        } else if (waited > limits.idleTime().toNanos()) {
            if (bytesInWindow() >= limits.dataOctetsPerIdleTime()) {
                state.waitFromNow();
            } else {
                session.cut(FixedReply.TIMEOUT);
            }
        }
    }

    private long bytesInWindow() {
        if (chunks.isOpen()) {
            return chunks.bytesInWindow();
        }
        return state.phase == Phase.MAIL_DATA ? state.transfer().bytesInWindow() : 0;
    }
}
