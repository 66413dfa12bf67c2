package org.backupmx.smtp.internal.server;

import io.netty.channel.Channel;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import java.util.concurrent.TimeUnit;
import org.backupmx.intake.Greeting;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.codec.XclientCommand;
import org.backupmx.smtp.internal.server.SessionState.Phase;
import org.jspecify.annotations.Nullable;

/**
 * How a session begins, and begins anew: who the client is, whether there is room for it, what the intake says to it,
 * and then the banner or a refusal in its place.
 *
 * <p>A client that is refused may still say QUIT, and all else is answered 503 (RFC 5321 section 3.1); 421 closes at
 * once (section 3.8). It has given its place among the connections up meanwhile.
 */
final class SessionGreeting {

    /** How long a client that is refused may take to say QUIT. */
    static final long REFUSED_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** How many commands other than QUIT end the session of a client that is refused. */
    private static final int REFUSED_COMMANDS = 5;

    private final SmtpServerSession session;
    private final ServerSettings settings;
    private final SmtpListener listener;
    private final LoopSessions loop;
    private final SessionClient client;
    private final SessionState state;
    private final SessionReplies replies;
    private final OpenQuestion question;
    private final EarlyTalk earlyTalk;

    SessionGreeting(
            SmtpServerSession session,
            ServerSettings settings,
            SmtpListener listener,
            LoopSessions loop,
            SessionClient client,
            SessionState state,
            SessionReplies replies,
            OpenQuestion question,
            EarlyTalk earlyTalk) {
        this.session = session;
        this.settings = settings;
        this.listener = listener;
        this.loop = loop;
        this.client = client;
        this.state = state;
        this.replies = replies;
        this.question = question;
        this.earlyTalk = earlyTalk;
    }

    /** Greets a new connection, unless its peer must say first for whom it speaks: then the phase tells so. */
    void connected(Channel channel) {
        FixedReply refusal = client.connected(channel);
        if (refusal == null && client.isProxied() && !loop.isDraining()) {
            state.phase = Phase.PROXY_HEADER;
        } else {
            greet(refusal);
        }
    }

    /** Greets the client that a proxy has named; {@link IllegalArgumentException} if it cannot be one of ours. */
    void proxied(HAProxyMessage header) {
        if (state.phase == Phase.PROXY_HEADER) {
            FixedReply refusal = client.named(header);
            state.phase = Phase.CONNECTING;
            state.waitFromNow();
            greet(refusal);
        }
    }

    /** Greets the client that XCLIENT tells. */
    void startAnew(XclientCommand xclient) {
        FixedReply refusal = client.named(xclient);
        state.forgetWelcome();
        greet(refusal);
    }

    private void greet(@Nullable FixedReply full) {
        if (loop.isDraining()) {
            refuse(FixedReply.STOPPING.reply());
        } else if (!listener.acceptsMail()) {
            refuse(FixedReply.NO_MAIL.reply());
        } else if (full != null) {
            refuse(full.reply());
        } else {
            question.ask(
                    Question.CONNECT,
                    client.info(),
                    (s, connected) -> settings.intake().connect(connected));
        }
    }

    /** Takes the intake's answer. */
    void take(Greeting greeting) {
        if (greeting instanceof Greeting.Welcome welcome) {
            state.welcome(welcome, settings.limits());
            if (!earlyTalk.pauses()) {
                banner();
            }
        } else if (greeting instanceof Greeting.Refusal refusal) {
            refuse(refusal.reply());
        }
    }

    /** Says the banner: there is no pause before it, or it is over. */
    void banner() {
        if (earlyTalk.isCaught()) {
            refuse(FixedReply.EARLY_TALKER.reply());
        } else {
            replies.say(state.announcement().banner);
        }
    }

    private void refuse(SmtpReply reply) {
        state.forgetWelcome();
        boolean mayStay = client.refused();
        replies.say(reply);
        if (!mayStay) {
            session.close();
        } else if (reply.code() == 421) {
            session.leave();
        } else {
            state.phase = Phase.REFUSED;
            replies.allowFewBad(REFUSED_COMMANDS);
        }
    }
}
