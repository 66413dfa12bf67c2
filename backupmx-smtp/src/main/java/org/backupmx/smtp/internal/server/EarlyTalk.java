package org.backupmx.smtp.internal.server;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletableFuture;
import org.backupmx.smtp.EarlyTalkers;
import org.jspecify.annotations.Nullable;

/**
 * Makes a client that is new wait for the banner, and finds one that talks before its turn. The pause is a question that
 * the clock answers, so while it lasts nothing is decoded and nobody blocks. Whom XCLIENT names is not judged: the peer
 * that is trusted to name it has met it.
 */
final class EarlyTalk {

    private final SmtpServerSession session;
    private final ServerSettings settings;
    private final SessionClient client;
    private final OpenQuestion question;
    private @Nullable CompletableFuture<Boolean> pause;
    private long pausedAt;

    EarlyTalk(SmtpServerSession session, ServerSettings settings, SessionClient client, OpenQuestion question) {
        this.session = session;
        this.settings = settings;
        this.client = client;
        this.question = question;
    }

    /** Begins the pause before the banner if there must be one: {@link Question#PAUSE} is answered at its end. */
    boolean pauses() {
        if (settings.limits().greetPause().isZero()
                || client.isTold()
                || goodClients().contains(key(), settings.nanoTime().getAsLong())) {
            return false;
        }
        pausedAt = settings.nanoTime().getAsLong();
        CompletableFuture<Boolean> begun = new CompletableFuture<>();
        pause = begun;
        question.ask(Question.PAUSE, begun, (s, end) -> end);
        return true;
    }

    /** Ends the pause when it is over. */
    void checkTime(long now) {
        if (pause != null && now - pausedAt >= settings.limits().greetPause().toNanos()) {
            if (!session.hasOctets()) {
                goodClients().add(key(), now);
            }
            end();
        }
    }

    /** Ends the pause, if there is one. */
    void end() {
        if (pause != null) {
            CompletableFuture<Boolean> ending = requireNonNull(pause);
            pause = null;
            ending.complete(true);
        }
    }

    /** Tells whether the client has talked before the reply that it must wait for, and is to be sent away for it. */
    boolean isCaught() {
        boolean caught =
                settings.limits().earlyTalkers() == EarlyTalkers.REJECT && !client.isTold() && session.hasOctets();
        if (caught) {
            goodClients().remove(key());
        }
        return caught;
    }

    private GoodClients goodClients() {
        return settings.limiter().goodClients();
    }

    private Long key() {
        return ConnectionLimiter.key(client.info().remote().getAddress());
    }
}
