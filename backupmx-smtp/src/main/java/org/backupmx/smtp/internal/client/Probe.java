package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.handler.codec.smtp.SmtpRequests;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.smtp.internal.tls.ClientTls;

/** One probe on a connection of its own. Knows no DATA. Belongs to the connection's event loop. */
final class Probe {

    /** What a primary may say in all: more than any needs, and less than a reply of 64 KiB for each command. */
    static final long MAX_OCTETS = 262_144;

    /** Of X.1.*: no such mailbox, moved (RFC 3463 section 3.2), and what Exchange says of one it does not know. */
    private static final Set<Integer> MAILBOX_DETAILS = Set.of(1, 6, 10);

    private final ProbeRequest request;
    private final RelayConnection connection;
    private final ClientTls tls;
    private final CompletableFuture<ProbeResult> result = new CompletableFuture<>();
    private Optional<PrimaryCapabilities.Tls> agreed = Optional.empty();

    Probe(ProbeRequest request, RelayConnection connection, ClientTls tls) {
        this.request = request;
        this.connection = connection;
        this.tls = tls;
    }

    CompletionStage<ProbeResult> result() {
        return result;
    }

    void run(Runnable onClosed) {
        Duration most = connection.timeouts().connect();
        connection.maxOctets(MAX_OCTETS);
        connection.dialogue().bound(request.timeout());
        connection.open(
                request.depth(),
                request.timeout().compareTo(most) < 0 ? request.timeout() : most,
                this::ready,
                this::failed,
                onClosed);
    }

    void failed(DialogueFault fault) {
        switch (fault.kind()) {
            case REFUSED -> result.complete(new ProbeResult.Refused(fault.reply()));
            case NO_SOCKET -> result.completeExceptionally(new IOException(fault.reason()));
            default -> result.complete(new ProbeResult.Unreachable(fault.reason()));
        }
    }

    private void ready() {
        switch (request.depth()) {
            case TCP -> {
                healthy();
                connection.dialogue().close();
            }
            case BANNER, EHLO -> healthyThenQuit();
            case STARTTLS -> startTls();
            case RCPT -> askForPostmaster();
        }
    }

    private void startTls() {
        if (!connection.extensions().startTls()) {
            failed(DialogueFault.noTls("STARTTLS not offered"));
            connection.quit();
            return;
        }
        new TlsUpgrade(connection, tls, request.nextHop().nextHop().host(), this::secured, this::refused).begin();
    }

    private void secured(PrimaryCapabilities.Tls what) {
        agreed = Optional.of(what);
        connection.ehlo(this::healthyThenQuit, this::failed);
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
        result.complete(new ProbeResult.Healthy(new PrimaryCapabilities(
                connection.banner(), connection.extensions().lines(), agreed)));
    }
}
