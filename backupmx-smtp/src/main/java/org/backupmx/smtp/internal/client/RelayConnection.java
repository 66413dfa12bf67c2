package org.backupmx.smtp.internal.client;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.smtp.SmtpRequestEncoder;
import io.netty.handler.codec.smtp.SmtpRequests;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.smtp.ClientTimeouts;
import org.backupmx.smtp.internal.codec.SmtpReplyDecoder;
import org.backupmx.smtp.internal.transport.SocketTransport;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a next hop, from the socket to the accepted EHLO, and what it has served. Belongs to its event loop,
 * its place in {@link NextHopConnections} apart.
 */
final class RelayConnection {

    /** After this long without a message nobody knows whether the other side is still there. */
    private static final Duration RESTED = Duration.ofSeconds(1);

    /** How long a farewell may take: nobody waits for it. */
    private static final Duration QUIT = Duration.ofSeconds(5);

    /**
     * How many refused commands a connection is kept for. Servers count them by connection and slow down who has many:
     * Postfix from 10 on.
     */
    private static final int MAX_REFUSED_COMMANDS = 5;

    /**
     * What a next hop may send until a reply is whole, TLS included: a reply of 64 KiB, and records as small as any server
     * makes them.
     */
    static final long MAX_OCTETS_TO_A_REPLY = 1 << 20;

    /** Where a connection stands in the book; guarded by its lock. */
    enum Place {
        OPENING,
        BUSY,
        IDLE,
        LEAVING,
        /** A probe's. */
        APART
    }

    private final SessionKey key;
    private final EventLoop loop;
    private final SocketTransport transport;
    private final ClientTimeouts timeouts;
    private final SmtpDialogue dialogue = new SmtpDialogue();
    private @Nullable InputLimit wholeLimit;
    private String banner = "";
    private Extensions extensions = Extensions.NONE;
    private Optional<PrimaryCapabilities.Tls> tls = Optional.empty();
    private long openedAt;
    private long busyAt;
    private int messages;
    private int transactions;
    private int refusedCommands;
    private boolean transactionOpen;

    /** Guarded by the lock of {@link NextHopConnections}. */
    Place place = Place.OPENING;

    RelayConnection(SessionKey key, EventLoop loop, SocketTransport transport, ClientTimeouts timeouts) {
        this.key = key;
        this.loop = loop;
        this.transport = transport;
        this.timeouts = timeouts;
    }

    SessionKey key() {
        return key;
    }

    EventLoop loop() {
        return loop;
    }

    ClientTimeouts timeouts() {
        return timeouts;
    }

    SmtpDialogue dialogue() {
        return dialogue;
    }

    Extensions extensions() {
        return extensions;
    }

    /** Returns the first line of the banner, empty before it has come. */
    String banner() {
        return banner;
    }

    /** Takes what a handshake agreed on. */
    void secured(PrimaryCapabilities.Tls agreed) {
        tls = Optional.of(agreed);
    }

    /** Returns what the next hop said of itself. */
    PrimaryCapabilities capabilities() {
        return new PrimaryCapabilities(banner, extensions.lines(), tls);
    }

    /**
     * Tells whether the next hop has shown inside TLS who it is: where the policy asks for that, nothing goes on before it has.
     */
    boolean isAuthenticated() {
        return tls.isPresent() && key.settings().tls().isAuthenticating();
    }

    /** Returns the time of its loop's clock in nanoseconds. */
    long now() {
        return loop.ticker().nanoTime();
    }

    /** Bounds what may come in over the whole of a connection that is yet to open, not only between two replies. */
    void maxOctets(long value) {
        wholeLimit = new InputLimit(value);
    }

    /** Connects and greets as far as {@code depth}; one of the two is told, then {@code onClosed} once it is over. */
    void open(
            ProbeDepth depth,
            Duration connectTimeout,
            Runnable onReady,
            Consumer<DialogueFault> onFault,
            Runnable onClosed) {
        dialogue.owner(onFault, () -> {});
        new Bootstrap()
                .group(loop)
                .channelFactory(transport.client()::get)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) connectTimeout.toMillis())
                .option(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(MailDataReader.CHUNK_BYTES / 2, MailDataReader.CHUNK_BYTES))
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        initialise(channel);
                    }
                })
                .connect(key.address(), source())
                .addListener((ChannelFuture connected) -> {
                    if (connected.isSuccess()) {
                        connected.channel().closeFuture().addListener(closed -> {
                            // Netty says so before channelInactive; the dialogue must know before the book does.
                            dialogue.lost();
                            onClosed.run();
                        });
                        openedAt = now();
                        greet(depth, onReady, onFault);
                    } else {
                        onFault.accept(noConnection(connected.cause()));
                        onClosed.run();
                    }
                });
    }

    /** Where it comes from; null for the system's choice. */
    private @Nullable InetSocketAddress source() {
        return key.settings()
                .sourceAddress(key.address().getAddress())
                .map(address -> new InetSocketAddress(address, 0))
                .orElse(null);
    }

    void initialise(Channel channel) {
        InputLimit limit = wholeLimit;
        if (limit == null) {
            InputLimit ofAReply = new InputLimit(MAX_OCTETS_TO_A_REPLY);
            dialogue.onReply(ofAReply::reset);
            limit = ofAReply;
        }
        channel.pipeline().addLast(limit, new SmtpReplyDecoder(), new SmtpRequestEncoder(), dialogue);
    }

    private DialogueFault noConnection(Throwable cause) {
        boolean noAddress = OwnEnd.failed(cause);
        InetSocketAddress source = source();
        if (noAddress && source != null) {
            return DialogueFault.ours("Source address " + source.getAddress().getHostAddress() + " cannot be used");
        }
        if (cause instanceof ChannelException || noAddress) {
            return DialogueFault.noSocket(); // out of file descriptors or of ports: says nothing of the next hop
        }
        if (cause instanceof ConnectTimeoutException) {
            return DialogueFault.noConnection("Connection timed out");
        }
        if (cause instanceof NoRouteToHostException) {
            return DialogueFault.noConnection("No route to host");
        }
        return DialogueFault.noConnection(cause instanceof ConnectException ? "Connection refused" : "No connection");
    }

    void greet(ProbeDepth depth, Runnable onReady, Consumer<DialogueFault> onFault) {
        if (dialogue.isEnded()) {
            return;
        }
        if (depth == ProbeDepth.TCP) {
            onReady.run();
            return;
        }
        dialogue.expect("the banner", timeouts.greeting(), reply -> {
            if (reply.code() != 220) {
                refuse(reply, onFault);
                return;
            }
            banner = reply.lines().get(0);
            if (depth == ProbeDepth.BANNER) {
                onReady.run();
            } else {
                ehlo(onReady, onFault);
            }
        });
    }

    /** Says EHLO, again inside TLS: what was offered before counts no more (RFC 3207 section 4.2). */
    void ehlo(Runnable onReady, Consumer<DialogueFault> onFault) {
        extensions = Extensions.NONE;
        dialogue.send(SmtpRequests.ehlo(key.hostname()), timeouts.greeting(), reply -> {
            if (reply.isPositive()) {
                extensions = Extensions.of(reply);
                onReady.run();
            } else if (reply.isPermanent()) {
                helo(onReady, onFault);
            } else {
                refuse(reply, onFault);
            }
        });
        dialogue.flush();
    }

    private void helo(Runnable onReady, Consumer<DialogueFault> onFault) {
        dialogue.send(SmtpRequests.helo(key.hostname()), timeouts.greeting(), reply -> {
            if (reply.isPositive()) {
                onReady.run();
            } else {
                refuse(reply, onFault);
            }
        });
        dialogue.flush();
    }

    private void refuse(SmtpReply reply, Consumer<DialogueFault> onFault) {
        if (reply.isTransient() || reply.isPermanent()) {
            quit();
            onFault.accept(DialogueFault.refused(reply));
        } else {
            dialogue.fail(DialogueFault.malformed("an unexpected reply to the greeting"));
        }
    }

    /** Waits for the next message. */
    void park(Duration most, Runnable tooLong) {
        if (!dialogue.isEnded()) {
            busyAt = now();
            dialogue.bound(null);
            dialogue.whenQuiet(most, tooLong);
        }
    }

    /** Says QUIT and closes on the answer, or after {@link #QUIT} without one. */
    void quit() {
        dialogue.owner(fault -> {}, () -> {});
        if (dialogue.isEnded()) {
            return;
        }
        dialogue.bound(QUIT);
        if (transactionOpen) {
            // Netty's encoder takes nothing but RSET after a DATA that was refused.
            transactionOpen = false;
            dialogue.send(SmtpRequests.rset(), QUIT, reply -> sayQuit());
            dialogue.flush();
        } else {
            sayQuit();
        }
    }

    private void sayQuit() {
        dialogue.send(SmtpRequests.quit(), QUIT, reply -> dialogue.close());
        dialogue.flush();
    }

    void abort() {
        dialogue.fail(DialogueFault.stopped());
    }

    /** Tells whether the last transaction did not come to its end, so that RSET goes first. */
    boolean isTransactionOpen() {
        return transactionOpen;
    }

    void transactionOpen(boolean value) {
        transactionOpen = value;
    }

    /** Counts a message and says how many there were before. */
    int countMessage() {
        return messages++;
    }

    /** Tells whether it was kept unused for so long that it may be dead without our knowing. */
    boolean hasRested() {
        return messages > 1 && now() - busyAt > RESTED.toNanos();
    }

    /** Counts a MAIL. */
    void countTransaction() {
        transactions++;
    }

    /** Tells whether the next hop takes no further MAIL on this connection (MAILMAX, RFC 9422). */
    boolean isUsedUp() {
        return transactions >= extensions.maxTransactions();
    }

    int messages() {
        return messages;
    }

    /** Counts a command that the next hop refused. */
    void countRefused() {
        refusedCommands++;
    }

    /** Tells whether so much was refused that the next message is better off on another connection. */
    boolean isWornOut() {
        return refusedCommands >= MAX_REFUSED_COMMANDS;
    }

    Duration age() {
        return Duration.ofNanos(now() - openedAt);
    }
}
