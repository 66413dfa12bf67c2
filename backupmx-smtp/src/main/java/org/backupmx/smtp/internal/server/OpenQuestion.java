package org.backupmx.smtp.internal.server;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The one question that a session may have open, and the way of its answer from whatever thread gives it to the event
 * loop.
 */
final class OpenQuestion implements BiConsumer<Object, Throwable>, Runnable {

    private final SmtpServerSession session;
    private final SessionState state;
    private @Nullable Question asked;
    private @Nullable Object answer;
    private @Nullable Throwable fault;

    OpenQuestion(SmtpServerSession session, SessionState state) {
        this.session = session;
        this.state = state;
    }

    boolean isOpen() {
        return asked != null;
    }

    boolean isOpenFor(Question question) {
        return asked == question;
    }

    /**
     * Asks. An answer that is there at once is taken at once; else the question is open until the session resumes.
     *
     * @param call given the state and {@code subject}, so that it need capture nothing and costs no object
     */
    <T> void ask(Question question, T subject, BiFunction<SessionState, T, CompletionStage<?>> call) {
        CompletableFuture<?> stage;
        try {
            stage = call.apply(state, subject).toCompletableFuture();
        } catch (RuntimeException e) {
            session.answered(question, null, e);
            return;
        }
        if (!stage.isDone()) {
            asked = question;
            state.waitFromNow();
            stage.whenComplete(this);
            return;
        }
        Object value = null;
        Throwable failure = null;
        try {
            value = stage.join();
        } catch (RuntimeException e) {
            failure = e;
        }
        session.answered(question, value, failure);
    }

    /** Takes an answer on whatever thread gives it. */
    @Override
    public void accept(@Nullable Object value, @Nullable Throwable failure) {
        answer = value;
        fault = failure;
        try {
            session.ctx().executor().execute(this);
        } catch (RejectedExecutionException e) {
            // the event loop has ended, and so has all else that could touch this session
            run();
        }
    }

    /** Takes the answer to the session, on its event loop. */
    @Override
    public void run() {
        Question question = requireNonNull(asked);
        Object value = answer;
        Throwable failure = fault;
        asked = null;
        answer = null;
        fault = null;
        session.resume(question, value, failure);
    }
}
