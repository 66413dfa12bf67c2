package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.handler.codec.smtp.SmtpRequests;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;

/** One probe on a connection of its own. Knows no DATA. Belongs to the connection's event loop. */
final class Probe {

    /** What a primary may say in all: more than any needs, and less than a reply of 64 KiB for each command. */
    static final long MAX_OCTETS = 262_144;

    /** Of X.1.*: no such mailbox, moved (RFC 3463 section 3.2), and what Exchange says of one it does not know. */
    private static final Set<Integer> MAILBOX_DETAILS = Set.of(1, 6, 10);

    private final ProbeRequest request;
    private final RelayConnection connection;
    private final SessionSecurity security;
    private final CompletableFuture<ProbeResult> result = new CompletableFuture<>();
    private boolean brokeInTls;

    Probe(ProbeRequest request, RelayConnection connection, SessionSecurity security) {
        this.request = request;
        this.connection = connection;
        this.security = security;
    }

    RelayConnection connection() {
        return connection;
    }

    CompletionStage<ProbeResult> result() {
        return result;
    }

    /** Tells whether mail would now be tried in clear text: an opportunity that came to nothing. */
    boolean isWorthAnother() {
        return brokeInTls
                && request.depth() == ProbeDepth.RCPT
                && request.settings().tls() instanceof TlsPolicy.May;
    }

    void run(Duration timeout, Runnable onClosed) {
        Duration most = connection.timeouts().connect();
        connection.maxOctets(MAX_OCTETS);
        connection.dialogue().bound(timeout);
        connection.open(
                request.depth(), timeout.compareTo(most) < 0 ? timeout : most, this::ready, this::failed, onClosed);
    }

    void failed(DialogueFault fault) {
        brokeInTls = fault.kind() == DialogueFault.Kind.NO_TLS;
        if (isWorthAnother()) {
            security.broken().note(BrokenOffers.Offer.STARTTLS, connection.key().address(), connection.now());
        }
        switch (fault.kind()) {
            case REFUSED, NO_AUTH -> result.complete(new ProbeResult.Refused(fault.reply()));
            case NO_MEANS -> result.completeExceptionally(new IOException(fault.reason()));
            default -> result.complete(new ProbeResult.Unreachable(fault.reason()));
        }
    }

    private void ready() {
        switch (request.depth()) {
            case TCP -> {
                healthy();
                connection.dialogue().close();
            }
            case BANNER -> healthyThenQuit();
            case EHLO -> {
                RelaySettings settings = request.settings();
                boolean bare =
                        !settings.tls().isDemanded() && settings.credentials().isEmpty();
                if (bare) {
                    healthyThenQuit();
                } else {
                    setup(this::healthyThenQuit).begin();
                }
            }
            case STARTTLS -> setup(this::healthyThenQuit).insist(reply -> failed(DialogueFault.refused(reply)));
            case RCPT -> setup(this::askForPostmaster).begin();
        }
    }

    private SessionSetup setup(Runnable onReady) {
        return new SessionSetup(connection, security, connection::secured, onReady, this::failed);
    }

    private void askForPostmaster() {
        connection.transactionOpen(true);
        ask(
                SmtpRequests.mail(null),
                SmtpReply::isPositive,
                () -> ask(
                        SmtpRequests.rcpt("postmaster@" + request.domain()),
                        reply -> reply.isPositive() || isOfTheMailbox(reply),
                        this::healthyThenQuit));
    }

    /** Tells a refusal of this one mailbox, for good, from one that would meet any recipient. */
    private static boolean isOfTheMailbox(SmtpReply reply) {
        return reply.isPermanent()
                && reply.enhanced()
                        .filter(status -> status.subject() == 2
                                || status.subject() == 1 && MAILBOX_DETAILS.contains(status.detail()))
                        .isPresent();
    }

    private void ask(SmtpRequest command, Predicate<SmtpReply> isGood, Runnable onGood) {
        SmtpDialogue dialogue = connection.dialogue();
        dialogue.send(command, request.timeout(), reply -> {
            if (isGood.test(reply)) {
                onGood.run();
            } else if (reply.isTransient() || reply.isPermanent()) {
                refused(reply);
            } else {
                dialogue.fail(DialogueFault.malformed("reply " + reply.code() + " to a probe"));
            }
        });
        dialogue.flush();
    }

    private void refused(SmtpReply reply) {
        failed(DialogueFault.refused(reply));
        connection.quit();
    }

    private void healthyThenQuit() {
        healthy();
        connection.quit();
    }

    private void healthy() {
        result.complete(new ProbeResult.Healthy(connection.capabilities()));
    }
}
