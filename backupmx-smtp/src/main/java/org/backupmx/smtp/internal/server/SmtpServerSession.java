package org.backupmx.smtp.internal.server;

import static java.util.Objects.requireNonNull;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageDecoder;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.util.function.Function;
import javax.net.ssl.SSLEngine;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.server.SessionState.Phase;
import org.jspecify.annotations.Nullable;

/**
 * The RFC 5321 state machine of one connection: this class moves octets and keeps time, its parts know commands, mail
 * data and answers. Its event loop alone runs it.
 *
 * <p>At most one question to the intake is open. While it is, nothing is decoded; answers that are there at once are
 * taken in the same loop, later ones are posted to the event loop. Replies to a group of commands leave in one write.
 */
public final class SmtpServerSession extends ChannelInboundHandlerAdapter {

    private final LoopSessions loop;
    private final SessionClient client;
    private final SessionState state;
    private final SessionInput input = new SessionInput();
    private final SessionOutput output;
    private final SessionLog log = new SessionLog(this);
    private final OpenQuestion question;
    private final SessionReplies replies;
    private final SessionGreeting greeting;
    private final SessionCommands commands;
    private final SessionMailData mailData;
    private final SessionChunks chunks;
    private final EarlyTalk earlyTalk;
    private final SessionAnswers answers;
    private final SessionTime time;
    private @Nullable ChannelHandlerContext ctx;
    /** Keeps a write that makes room again from running the session within itself. */
    private boolean running;
    /** The client sends no more, and may still listen. */
    private boolean inputEnded;

    /** Creates the session of a connection to {@code listener} that {@code loop}'s event loop runs. */
    public SmtpServerSession(ServerSettings settings, SmtpListener listener, LoopSessions loop) {
        long startedNanos = settings.nanoTime().getAsLong();
        this.client = new SessionClient(settings.limiter(), listener);
        this.loop = loop;
        this.state = new SessionState(loop, startedNanos);
        this.output = new SessionOutput(loop.replies());
        this.question = new OpenQuestion(this, state);
        this.replies = new SessionReplies(this, settings.limits(), output, log);
        this.chunks = new SessionChunks(settings, state, replies, question);
        this.earlyTalk = new EarlyTalk(this, settings, client, question);
        this.greeting =
                new SessionGreeting(this, settings, listener, loop, client, state, replies, question, earlyTalk);
        this.commands =
                new SessionCommands(this, settings, client, state, replies, question, chunks, earlyTalk, greeting, log);
        this.mailData = new SessionMailData(settings, state, replies, question);
        this.answers = new SessionAnswers(settings, client, state, replies, mailData, chunks, greeting, log);
        this.time = new SessionTime(this, settings, loop, state, question, chunks, earlyTalk, log, startedNanos);
    }

    // ---- connection ----

    @Override
    public void channelActive(ChannelHandlerContext context) {
        ctx = context;
        loop.add(this);
        greeting.connected(context.channel());
        if (state.phase == Phase.PROXY_HEADER) {
            context.pipeline()
                    .addBefore(context.name(), null, new ProxyHeaderFrame(this::turnAway))
                    .addBefore(context.name(), null, new HAProxyMessageDecoder());
        }
        flush();
        context.read();
    }

    /** Closes on a proxy that does not say who its client is; it is no client, so it is told nothing. */
    void turnAway(String reason) {
        log.proxyHeaderRefused(reason);
        state.phase = Phase.LEAVING;
        ctx().close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        state.phase = Phase.GONE;
        client.leave();
        state.abandonTransfer();
        earlyTalk.end();
        if (!question.isOpen()) {
            end();
        }
    }

    /** Lets go of everything; the connection is gone and no question is open. */
    private void end() {
        input.release();
        output.release();
        state.end();
        loop.remove(this);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (state.phase == Phase.PROXY_HEADER && !(cause instanceof IOException)) {
            boolean toldByUs = cause instanceof IllegalArgumentException;
            turnAway(toldByUs ? String.valueOf(cause.getMessage()) : "malformed PROXY header");
        } else if (cause instanceof IOException
                || cause instanceof DecoderException // what is no TLS, or breaks its rules
                || state.phase == Phase.GONE) {
            log.connectionFailed(cause);
        } else {
            log.sessionFailed(cause);
        }
        context.close();
    }

    /** Lets TLS begin behind the replies said so far. */
    void shakeHands(Function<ByteBufAllocator, SslHandler> tls) {
        flush();
        state.phase = Phase.HANDSHAKE;
        ctx().pipeline().addFirst(tls.apply(ctx().alloc()));
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake && state.phase == Phase.HANDSHAKE) {
            if (handshake.isSuccess()) {
                secured(context.pipeline().get(SslHandler.class).engine());
            } else {
                log.handshakeFailed(handshake.cause());
                context.close();
            }
        } else if (event instanceof ChannelInputShutdownEvent || event instanceof SslCloseCompletionEvent) {
            inputEnded();
        }
        context.fireUserEventTriggered(event);
    }

    /** The client ended its side, of TLS (RFC 8446 section 6.1) or of the connection. */
    private void inputEnded() {
        if (state.phase != Phase.GONE) {
            inputEnded = true;
            run();
        }
    }

    private void secured(SSLEngine engine) {
        // a handshake that comes later, as only TLS 1.2 can have it, finds no version to agree on
        engine.setEnabledProtocols(new String[] {"TLSv1.3"});
        waitFromNow();
        state.secured(engine.getSession().getProtocol(), engine.getSession().getCipherSuite());
    }

    // ---- time and end ----

    /** Waits for the client anew; for one that is refused, no longer. */
    void waitFromNow() {
        if (state.phase != Phase.REFUSED) {
            state.waitFromNow();
        }
    }

    /** Cuts the session if it is over time. */
    void checkTime() {
        time.check();
    }

    boolean isDraining() {
        return loop.isDraining();
    }

    /** Ends the session unless it is within a transaction. */
    void drain() {
        boolean mayEnd = state.phase != Phase.TRANSACTION && state.phase != Phase.MAIL_DATA && !chunks.isOpen();
        if (mayEnd && !question.isOpen()) {
            cut(FixedReply.STOPPING);
        }
    }

    /** Says a last reply, if it can be said now, and closes. */
    void cut(FixedReply reply) {
        if (state.phase.compareTo(Phase.CONNECTING) >= 0 && state.phase.compareTo(Phase.HANDSHAKE) < 0) {
            replies.say(reply);
            flush();
        }
        ctx().close();
    }

    /** Ends the session after the replies said so far; the client may still be sending. */
    void leave() {
        state.phase = Phase.LEAVING;
        waitFromNow();
        state.abandonTransfer();
        input.release();
        output.flushAndLinger(ctx());
    }

    /** Ends the session after the replies said so far, as the client asked. */
    void close() {
        state.phase = Phase.LEAVING;
        output.flushAndClose(ctx());
    }

    // ---- octets ----

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HAProxyMessage header) {
            try {
                greeting.proxied(header);
                flush();
            } finally {
                header.release();
            }
            return;
        }
        input.add((ByteBuf) message);
        if (state.phase == Phase.LEAVING || state.phase == Phase.GONE) {
            input.release();
        } else {
            run();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        // one read ahead of what is worked on, so that a client that leaves is seen, and no more
        input.readUnlessAhead(context);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable() && state.phase != Phase.GONE) {
            run();
        }
    }

    /** Works on what came until it is used up or an answer is awaited. */
    private void run() {
        if (running) {
            return;
        }
        running = true;
        while (!question.isOpen()
                && state.phase.compareTo(Phase.HANDSHAKE) < 0
                && (input.hasOctets() || chunks.isRead())) {
            if (output.isFull()) {
                flush();
            }
            if (!ctx().channel().isWritable() && state.phase != Phase.MAIL_DATA && !chunks.isOpen()) {
                break; // who does not read has to wait; mail data is read on, it has one reply
            }
            if (chunks.isOpen()) {
                chunks.take(input.octets());
            } else if (state.phase == Phase.MAIL_DATA) {
                mailData.take(input.octets());
            } else {
                commands.take(input.octets());
            }
        }
        flush();
        running = false;
        if (!question.isOpenFor(Question.WRITE)) {
            input.releaseWorkedOff();
        }
        if (inputEnded && !question.isOpen() && (state.phase.compareTo(Phase.HANDSHAKE) >= 0 || !input.hasOctets())) {
            endOutput();
        } else {
            input.readIfBehind(ctx());
        }
    }

    /** Closes after the replies said so far: the client has ended its side, and all it said is answered. */
    private void endOutput() {
        if (state.phase == Phase.HANDSHAKE) {
            ctx().close();
        } else {
            close();
        }
    }

    /** Tells whether the client sent more than has been worked on. */
    boolean hasOctets() {
        return input.hasOctets();
    }

    private void flush() {
        output.flush(ctx());
    }

    // ---- answers ----

    /** Takes an answer that was there at once. */
    void answered(Question asked, @Nullable Object value, @Nullable Throwable failure) {
        answers.take(asked, value, failure);
    }

    /** Takes an answer that was waited for, and goes on. */
    void resume(Question asked, @Nullable Object value, @Nullable Throwable failure) {
        waitFromNow();
        try {
            if (state.phase == Phase.GONE) {
                answers.takeTooLate(asked, value);
                end();
            } else if (state.phase != Phase.LEAVING) {
                answers.take(asked, value, failure);
                run();
            }
        } catch (RuntimeException e) {
            exceptionCaught(ctx(), e);
        }
    }

    // ---- for the parts ----

    ChannelHandlerContext ctx() {
        return requireNonNull(ctx);
    }

    /** Names the client in the log. */
    String client() {
        return client.toString();
    }
}
