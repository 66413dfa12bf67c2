package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.handler.codec.smtp.SmtpRequests;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.smtp.internal.tls.ClientTls;

/** One probe on a connection of its own. Knows no DATA. Belongs to the connection's event loop. */
final class Probe {

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
        connection.open(
                request.depth(),
                request.timeout().compareTo(most) < 0 ? request.timeout() : most,
                this::ready,
                this::failed,
                onClosed);
        connection.dialogue().bound(request.timeout());
    }

    void failed(DialogueFault fault) {
        result.complete(
                fault.kind() == DialogueFault.Kind.REFUSED
                        ? new ProbeResult.Refused(fault.reply())
                        : new ProbeResult.Unreachable(fault.reason()));
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
                () -> ask(SmtpRequests.rcpt("postmaster@" + request.domain()), this::healthyThenQuit));
    }

    private void ask(SmtpRequest command, Runnable onPositive) {
        SmtpDialogue dialogue = connection.dialogue();
        dialogue.send(command, request.timeout(), reply -> {
            if (reply.isPositive()) {
                onPositive.run();
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
