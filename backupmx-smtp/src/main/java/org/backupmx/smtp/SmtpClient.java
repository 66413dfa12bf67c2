package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.smtp.internal.client.RelayEngine;
import org.jspecify.annotations.Nullable;

/**
 * The sending engine: SMTP to next hops (RFC 5321) with connections kept for further messages, pipelining and chunks where
 * offered (RFC 2920, RFC 3030), TLS and authentication as {@link RelaySettings} have it, and an outcome for every recipient.
 * Thread-safe.
 *
 * <p>A recipe until it is started; started once. The {@code with} methods return other recipes.
 *
 * <p>What it does where a next hop cannot do what a message needs: an address or a header section beyond ASCII without
 * SMTPUTF8 is a permanent failure of those recipients (550 5.6.7 or 5.6.9, RFC 6531 section 3.2); BINARYMIME likewise
 * (554 5.6.3); a message of octets without 8BITMIME is sent as it is; DSN parameters are left out without DSN. A message
 * for more than 100 recipients goes in several transactions. A message with REQUIRETLS (RFC 8689) goes inside TLS alone whose
 * certificate met {@link org.backupmx.relay.TlsPolicy.Verify} or {@link org.backupmx.relay.TlsPolicy.Fingerprint}, and to next hops that offer
 * REQUIRETLS there: without the offer it is a permanent failure (550 5.7.30), with another policy a transient one (451 4.7.5).
 *
 * <p>What a next hop offers and cannot do is not tried again at that address for an hour: STARTTLS whose handshake fails,
 * where clear text is allowed, and CHUNKING without BDAT. A reply that says that a command is not understood (500, 502, 503,
 * 504, 555) is a transient failure, for the message is innocent of it. LIMITS (RFC 9422) are kept.
 *
 * <p>Mail data goes out octet for octet, with CRLF after its last line; a bare CR or LF in it would become CRLF. Data that
 * cannot be read to its end is never ended on the wire.
 */
public final class SmtpClient implements RelayClient {

    private final ClientTimeouts timeouts;
    private final ClientLimits limits;
    private final Transport transport;
    private final @Nullable EventLoops givenLoops;
    private final boolean chunking;

    // guarded by this
    private @Nullable CompletableFuture<RelayEngine> started;
    private @Nullable EventLoops ownLoops;
    private @Nullable CompletableFuture<Void> stopped;

    private SmtpClient(
            ClientTimeouts timeouts,
            ClientLimits limits,
            Transport transport,
            @Nullable EventLoops givenLoops,
            boolean chunking) {
        this.timeouts = timeouts;
        this.limits = limits;
        this.transport = transport;
        this.givenLoops = givenLoops;
        this.chunking = chunking;
    }

    /**
     * Returns a client with {@link ClientTimeouts#rfc5321()}, {@link ClientLimits#defaults()} and event loops of its own.
     *
     * @return a client, not started
     */
    public static SmtpClient create() {
        return new SmtpClient(ClientTimeouts.rfc5321(), ClientLimits.defaults(), Transport.AUTO, null, true);
    }

    /**
     * Returns a client with these settings and other waits.
     *
     * @param value the waits; {@link ClientTimeouts#rfc5321()} unless set
     * @return a client, not started
     */
    public SmtpClient withTimeouts(ClientTimeouts value) {
        return new SmtpClient(requireNonNull(value, "value"), limits, transport, givenLoops, chunking);
    }

    /**
     * Returns a client with these settings and other limits of connections.
     *
     * @param value the limits; {@link ClientLimits#defaults()} unless set
     * @return a client, not started
     */
    public SmtpClient withLimits(ClientLimits value) {
        return new SmtpClient(timeouts, requireNonNull(value, "value"), transport, givenLoops, chunking);
    }

    /**
     * Returns a client with these settings that uses event loops of the caller's.
     *
     * @param value the event loops, which the caller closes after the client has stopped; the client's own unless set
     * @return a client, not started
     */
    public SmtpClient withEventLoops(EventLoops value) {
        return new SmtpClient(timeouts, limits, transport, requireNonNull(value, "value"), chunking);
    }

    /**
     * Returns a client with these settings whose own event loops use a transport. For event loops of the caller's
     * {@link EventLoops#withTransport} sets it, and this says nothing.
     *
     * @param value the transport; {@link Transport#AUTO} unless set; a named one that does not work here fails the start
     * @return a client, not started
     */
    public SmtpClient withTransport(Transport value) {
        return new SmtpClient(timeouts, limits, requireNonNull(value, "value"), givenLoops, chunking);
    }

    /**
     * Returns a client with these settings that uses, or does not use, BDAT where CHUNKING is offered (RFC 3030). With it a
     * message of less than 64 KiB takes one round trip in place of two; without it all mail data goes by DATA.
     *
     * @param value whether BDAT is used; true unless set
     * @return a client, not started
     */
    public SmtpClient withChunking(boolean value) {
        return new SmtpClient(timeouts, limits, transport, givenLoops, value);
    }

    /**
     * Returns the waits.
     *
     * @return {@link ClientTimeouts#rfc5321()} unless set
     */
    public ClientTimeouts timeouts() {
        return timeouts;
    }

    /**
     * Returns the limits of connections.
     *
     * @return {@link ClientLimits#defaults()} unless set
     */
    public ClientLimits limits() {
        return limits;
    }

    /**
     * Starts the client.
     *
     * @return complete once there are event loops; failed with {@link IllegalStateException} if it was started or stopped
     *     before, with {@link IOException} if its transport does not work
     */
    @Override
    public synchronized CompletionStage<Void> start() {
        if (started != null || stopped != null) {
            return CompletableFuture.failedFuture(
                    new IllegalStateException("client: started before (expected: a new one)"));
        }
        CompletableFuture<RelayEngine> starting = new CompletableFuture<>();
        started = starting;
        EventLoops loops = givenLoops == null ? EventLoops.create().withTransport(transport) : givenLoops;
        ownLoops = givenLoops == null ? loops : null;
        // a thread of its own, so that the caller does not wait for a transport to prove itself
        Thread starter = new Thread(
                () -> {
                    try {
                        starting.complete(new RelayEngine(loops.running(), timeouts, limits, chunking));
                    } catch (IOException | RuntimeException e) {
                        starting.completeExceptionally(e);
                    }
                },
                "backupmx-smtp-start");
        starter.setDaemon(true);
        starter.start();
        return starting.<Void>thenApply(engine -> null).minimalCompletionStage();
    }

    @Override
    public CompletionStage<RelayResult> relay(RelayRequest request) {
        requireNonNull(request, "request");
        return running().relay(request);
    }

    @Override
    public CompletionStage<ProbeResult> probe(ProbeRequest request) {
        requireNonNull(request, "request");
        return running().probe(request);
    }

    private synchronized RelayEngine running() {
        if (started == null || !started.isDone() || started.isCompletedExceptionally()) {
            throw new IllegalStateException("client: not started (expected: started)");
        }
        return started.join();
    }

    @Override
    public synchronized CompletionStage<Void> stop(Duration grace) {
        requireNonNull(grace, "grace");
        if (grace.isNegative()) {
            throw new IllegalArgumentException("grace: " + grace + " (expected: >= 0)");
        }
        if (stopped == null) {
            EventLoops ending = ownLoops;
            CompletionStage<Void> closed = started == null
                    ? CompletableFuture.completedFuture(null)
                    : started.handle((engine, failure) -> engine)
                            .thenCompose(engine ->
                                    engine == null ? CompletableFuture.completedFuture(null) : engine.stop(grace));
            stopped = closed.thenRun(() -> {
                        if (ending != null) {
                            ending.close();
                        }
                    })
                    .toCompletableFuture();
        }
        return stopped;
    }
}
