package org.backupmx.smtp.internal.server;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletionException;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Verdict;
import org.backupmx.smtp.internal.server.SessionState.Phase;
import org.jspecify.annotations.Nullable;

/** What each answer of the intake does: it moves the session on and becomes a reply. */
final class SessionAnswers {

    private final ServerSettings settings;
    private final SessionClient client;
    private final SessionState state;
    private final SessionReplies replies;
    private final SessionMailData mailData;
    private final SessionChunks chunks;
    private final SessionGreeting greeting;
    private final SessionLog log;

    SessionAnswers(
            ServerSettings settings,
            SessionClient client,
            SessionState state,
            SessionReplies replies,
            SessionMailData mailData,
            SessionChunks chunks,
            SessionGreeting greeting,
            SessionLog log) {
        this.settings = settings;
        this.client = client;
        this.state = state;
        this.replies = replies;
        this.mailData = mailData;
        this.chunks = chunks;
        this.greeting = greeting;
        this.log = log;
    }

    /** Takes an answer, or the failure in its place. */
    void take(Question asked, @Nullable Object value, @Nullable Throwable failure) {
        if (failure != null || (value == null && asked != Question.WRITE)) {
            failed(asked, failure instanceof CompletionException e && e.getCause() != null ? e.getCause() : failure);
            return;
        }
        switch (asked) {
            case CONNECT -> greeting.take((Greeting) requireNonNull(value));
            case PAUSE -> greeting.banner();
            case HELO, EHLO -> helo(asked, (Verdict) requireNonNull(value));
            case MAIL -> mail((Verdict) requireNonNull(value));
            case RCPT -> rcpt((Verdict) requireNonNull(value));
            case ETRN -> etrn((Verdict) requireNonNull(value));
            case DATA -> data((DataVerdict) requireNonNull(value));
            case BDAT -> chunks.opened((DataVerdict) requireNonNull(value));
            case WRITE -> {
                // the run is the engine's again
            }
            case FINISH -> finish((Verdict) requireNonNull(value));
        }
    }

    /** Takes an answer that came when the client was gone. */
    void takeTooLate(Question asked, @Nullable Object value) {
        if (asked == Question.CONNECT && value instanceof Greeting.Welcome welcome) {
            state.own(welcome.session());
        } else if (value instanceof DataVerdict.Proceed proceed) {
            proceed.sink().abandon();
        }
    }

    private void helo(Question asked, Verdict verdict) {
        state.endTransaction();
        if (!(verdict instanceof Verdict.Accept)) {
            state.phase = Phase.GREETED;
            replies.refuse(verdict);
            return;
        }
        state.phase = Phase.READY;
        Announcement ours = state.announcement();
        state.offersRequireTls =
                asked == Question.EHLO && state.secured && state.intake().offersRequireTls();
        if (asked == Question.HELO) {
            replies.say(ours.helo);
        } else {
            replies.say(ours.ehlo(settings.tls() != null && !state.secured, state.offersRequireTls, client.mayName()));
        }
    }

    private void mail(Verdict verdict) {
        if (verdict instanceof Verdict.Accept) {
            state.phase = Phase.TRANSACTION;
            state.transactions++;
            replies.say(verdict.reply());
        } else {
            replies.refuse(verdict);
        }
    }

    private void rcpt(Verdict verdict) {
        if (verdict instanceof Verdict.Accept) {
            state.recipients++;
            replies.say(verdict.reply());
        } else {
            replies.refuse(verdict);
        }
    }

    private void etrn(Verdict verdict) {
        if (verdict instanceof Verdict.Accept) {
            replies.say(verdict.reply());
        } else {
            replies.refuse(verdict);
        }
    }

    private void data(DataVerdict verdict) {
        if (verdict instanceof DataVerdict.Proceed proceed) {
            mailData.begin(proceed.sink());
        } else if (verdict instanceof DataVerdict.Refused refused) {
            state.endTransaction();
            replies.refuse(refused.verdict());
        }
    }

    private void finish(Verdict verdict) {
        state.endTransaction();
        if (verdict instanceof Verdict.Accept) {
            replies.forgetIdle();
            replies.say(verdict.reply());
        } else {
            replies.refuse(verdict);
        }
    }

    private void failed(Question asked, @Nullable Throwable failure) {
        log.intakeFailed(asked, failure);
        switch (asked) {
            case CONNECT, PAUSE -> replies.leave(FixedReply.NO_SERVICE);
            case WRITE -> state.transfer().refuse(FixedReply.FAULT);
            case BDAT -> {
                state.intake().reset();
                chunks.refuse(FixedReply.FAULT.verdict());
            }
            case MAIL, DATA, FINISH -> {
                // who knows how far it came
                state.endTransaction();
                state.intake().reset();
                replies.idle(FixedReply.FAULT);
            }
            case HELO, EHLO -> {
                state.endTransaction();
                state.phase = Phase.GREETED;
                replies.idle(FixedReply.FAULT);
            }
            case RCPT, ETRN -> replies.idle(FixedReply.FAULT);
        }
    }
}
