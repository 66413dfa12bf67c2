package org.backupmx.smtp.internal.client;

import static java.util.Objects.requireNonNull;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.smtp.LastSmtpContent;
import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.internal.codec.MalformedReplyException;
import org.backupmx.smtp.internal.codec.SmtpReplyDecoder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commands out, replies in, in order: every reply goes to whoever sent the command it answers, so a pipelined group is
 * sent like single commands. Watches the clock for the oldest reply awaited and for the attempt as a whole.
 *
 * <p>Ends once: by {@link #close()}, or with a fault that its listener is told. Belongs to its event loop.
 */
final class SmtpDialogue extends SimpleChannelInboundHandler<SmtpReply> {

    private static final Logger log = LoggerFactory.getLogger(SmtpDialogue.class);
    private static final long NEVER = Long.MAX_VALUE;

    private record Awaited(String answer, long timeoutNanos, Consumer<SmtpReply> onReply) {}

    private final Queue<Awaited> awaited = new ArrayDeque<>();
    private Consumer<DialogueFault> onFault = fault -> {};
    private Runnable onWritable = () -> {};
    private Runnable onReply = () -> {};
    private @Nullable ChannelHandlerContext context;
    private @Nullable String doing = "connecting";
    private boolean ended;
    private @Nullable Duration firstBound;

    // clock: nanoseconds since the handler was added
    private long origin;
    private long stepDue = NEVER;
    private long attemptDue = NEVER;
    private @Nullable Runnable onStepDue;
    private @Nullable Future<?> timer;
    private long timerDue = NEVER;

    SmtpDialogue() {
        super(SmtpReply.class);
    }

    private ChannelHandlerContext context() {
        return requireNonNull(context, "context");
    }

    /** Names who is told of a fault and of writability from now on. */
    void owner(Consumer<DialogueFault> fault, Runnable writable) {
        onFault = fault;
        onWritable = writable;
    }

    /** Names who is told of each reply, before anybody it is for. */
    void onReply(Runnable told) {
        onReply = told;
    }

    boolean isEnded() {
        return ended;
    }

    /** Bounds everything until the next call, or not at all if null; before there is a channel, from when there is one. */
    void bound(@Nullable Duration whole) {
        if (context == null) {
            firstBound = whole;
            return;
        }
        attemptDue = whole == null ? NEVER : now() + whole.toNanos();
        arm();
    }

    /** Writes a command without flushing; its reply goes to {@code onReply}. */
    void send(SmtpRequest request, Duration timeout, Consumer<SmtpReply> onReply) {
        if (log.isDebugEnabled()) {
            log.atDebug()
                    .addKeyValue("nextHop", context().channel().remoteAddress())
                    .addKeyValue("command", request)
                    .log("relay command");
        }
        context().write(request).addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
        expect("the reply to " + request.command().name(), timeout, onReply);
    }

    /** Writes a line that nobody may see, without flushing, and wipes it once it has left. */
    void sendSecret(byte[] line, String name, Duration timeout, Consumer<SmtpReply> onReply) {
        log.atDebug()
                .addKeyValue("nextHop", context().channel().remoteAddress())
                .addKeyValue("command", name)
                .log("relay command, not shown");
        context()
                .write(Unpooled.wrappedBuffer(line))
                .addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE)
                .addListener(written -> Arrays.fill(line, (byte) 0));
        expect("the reply to " + name, timeout, onReply);
    }

    void flush() {
        context().flush();
    }

    /** Awaits a reply that no command of its own asks for. */
    void expect(String answer, Duration timeout, Consumer<SmtpReply> onReply) {
        awaited.add(new Awaited(answer, timeout.toNanos(), onReply));
        if (awaited.size() == 1) {
            doing = null;
            step(timeout.toNanos(), null);
        }
    }

    /** Sets the clock anew for the reply now awaited, and says what we are doing meanwhile. */
    void extend(String nowDoing, Duration timeout) {
        doing = nowDoing;
        step(timeout.toNanos(), null);
    }

    /** Runs {@code due} unless something else happens within {@code time}. */
    void whenQuiet(Duration time, Runnable due) {
        step(time.toNanos(), due);
    }

    void writeMailData(ByteBuf encoded) {
        writeMailData(encoded, () -> {});
    }

    /** Writes mail data; {@code whenSent} runs once the socket has taken all of it. */
    void writeMailData(ByteBuf encoded, Runnable whenSent) {
        context()
                .write(encoded)
                .addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE)
                .addListener(written -> ifSent(written, whenSent));
    }

    /** Writes the final dot; the line before it has ended. {@code whenSent} runs once the socket has taken all of it. */
    void writeEndOfData(Runnable whenSent) {
        context()
                .write(LastSmtpContent.EMPTY_LAST_CONTENT)
                .addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE)
                .addListener(written -> ifSent(written, whenSent));
    }

    private static void ifSent(Future<?> written, Runnable whenSent) {
        if (written.isSuccess()) {
            whenSent.run();
        }
    }

    /** Puts TLS between the socket and the dialogue; the handshake begins at once. */
    void secure(SslHandler tls) {
        ChannelPipeline pipeline = context().pipeline();
        pipeline.addBefore(pipeline.context(SmtpReplyDecoder.class).name(), null, tls);
    }

    /** Tells whether octets have come beyond the reply that is being handled. */
    boolean hasMoreInput() {
        return context().pipeline().get(SmtpReplyDecoder.class).hasMore();
    }

    ByteBufAllocator allocator() {
        return context().alloc();
    }

    boolean isWritable() {
        return context().channel().isWritable();
    }

    /** Ends the dialogue without a fault. */
    void close() {
        if (end()) {
            context().close();
        }
    }

    /** Ends the dialogue with a fault; its owner hears of it before the connection counts as closed. */
    void fail(DialogueFault fault) {
        if (end()) {
            log.atDebug()
                    .addKeyValue("nextHop", context().channel().remoteAddress())
                    .addKeyValue("reply", fault.reply())
                    .log("relay dialogue failed");
            onFault.accept(fault);
            context().close();
        }
    }

    /** Ends the dialogue if the connection is gone. */
    void lost() {
        fail(DialogueFault.lost(waiting()));
    }

    private boolean end() {
        if (ended) {
            return false;
        }
        ended = true;
        awaited.clear();
        if (timer != null) {
            timer.cancel(false);
        }
        return true;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, SmtpReply reply) {
        if (ended) {
            return;
        }
        if (log.isDebugEnabled()) {
            log.atDebug()
                    .addKeyValue("nextHop", ctx.channel().remoteAddress())
                    .addKeyValue("reply", reply)
                    .log("relay reply");
        }
        onReply.run();
        Awaited answered = awaited.poll();
        if (answered == null) {
            fail(reply.code() == 421 ? DialogueFault.refused(reply) : DialogueFault.malformed("a reply out of turn"));
            return;
        }
        Awaited next = awaited.peek();
        stepDue = next == null ? NEVER : now() + next.timeoutNanos;
        onStepDue = null;
        doing = null;
        arm();
        answered.onReply.accept(reply);
    }

    private String waiting() {
        if (doing != null) {
            return doing;
        }
        Awaited first = awaited.peek();
        return first == null ? "between messages" : "waiting for " + first.answer;
    }

    private long now() {
        return context().executor().ticker().nanoTime() - origin;
    }

    private void step(long nanos, @Nullable Runnable due) {
        stepDue = now() + nanos;
        onStepDue = due;
        arm();
    }

    /** Keeps one timer that is never later than what is due; an early one looks again. */
    private void arm() {
        long due = Math.min(stepDue, attemptDue);
        if (ended || due == NEVER || timer != null && timerDue <= due) {
            return;
        }
        if (timer != null) {
            timer.cancel(false);
        }
        timerDue = due;
        timer = context().executor().schedule(this::tick, Math.max(0, due - now()), TimeUnit.NANOSECONDS);
    }

    private void tick() {
        timer = null;
        if (ended) {
            return;
        }
        long now = now();
        if (now >= attemptDue) {
            fail(DialogueFault.timedOut("as a whole, " + waiting()));
        } else if (now < stepDue) {
            arm();
        } else if (onStepDue != null) {
            Runnable due = onStepDue;
            stepDue = NEVER;
            due.run();
        } else {
            fail(DialogueFault.timedOut(waiting()));
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        origin = ctx.executor().ticker().nanoTime();
        bound(firstBound);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        lost();
        ctx.fireChannelInactive();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (!ended && ctx.channel().isWritable()) {
            onWritable.run();
        }
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof MalformedReplyException malformed) {
            fail(DialogueFault.malformed(malformed.reason()));
        } else {
            if (!ended && !isOfTheNextHop(cause)) {
                log.atWarn().setCause(cause).log("relay dialogue broke");
            }
            lost();
        }
    }

    /** Tells a socket or TLS that the next hop broke from a fault of ours. */
    private static boolean isOfTheNextHop(Throwable cause) {
        return cause instanceof IOException
                || cause instanceof DecoderException && cause.getCause() instanceof SSLException;
    }
}
