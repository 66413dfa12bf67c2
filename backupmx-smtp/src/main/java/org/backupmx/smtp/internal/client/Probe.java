package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.SmtpRequests;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;

/** One probe on a connection of its own. Knows no DATA. Belongs to the connection's event loop. */
final class Probe {

    private final ProbeRequest request;
    private final RelayConnection connection;
    private final CompletableFuture<ProbeResult> result = new CompletableFuture<>();

    Probe(ProbeRequest request, RelayConnection connection) {
        this.request = request;
        this.connection = connection;
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
                connection.dialogue().close();
                healthy();
            }
            case BANNER, EHLO -> {
                connection.quit();
                healthy();
            }
            case RCPT -> {
                connection.transactionOpen(true);
                ask(
                        SmtpRequests.mail(null),
                        mail -> ask(SmtpRequests.rcpt("postmaster@" + request.domain()), rcpt -> {
                            connection.quit();
                            healthy();
                        }));
            }
        }
    }

    private void ask(io.netty.handler.codec.smtp.SmtpRequest command, Consumer<SmtpReply> onPositive) {
        SmtpDialogue dialogue = connection.dialogue();
        dialogue.send(command, request.timeout(), reply -> {
            if (reply.isPositive()) {
                onPositive.accept(reply);
            } else if (reply.isTransient() || reply.isPermanent()) {
                connection.quit();
                result.complete(new ProbeResult.Refused(reply));
            } else {
                dialogue.fail(DialogueFault.malformed("reply " + reply.code() + " to a probe"));
            }
        });
        dialogue.flush();
    }

    private void healthy() {
        result.complete(new ProbeResult.Healthy(
                request.depth() == ProbeDepth.BANNER
                        ? List.of()
                        : connection.extensions().lines()));
    }
}
