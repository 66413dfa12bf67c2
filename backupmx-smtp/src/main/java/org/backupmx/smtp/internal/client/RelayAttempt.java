package org.backupmx.smtp.internal.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of one message, from its request to the outcome of every recipient: as many transactions on one connection
 * as the next hop's limits ask for, and one fresh start if a kept connection turns out dead.
 *
 * <p>Waits in {@link NextHopConnections}, then belongs to the event loop of its connection.
 */
final class RelayAttempt {

    /** What every server takes in one transaction (RFC 5321 section 4.5.3.1.8). */
    private static final int RECIPIENTS_PER_TRANSACTION = 100;

    private static final SmtpReply ADDRESS_NEEDS_SMTPUTF8 =
            SmtpReply.of(550, "5.6.7", "Next hop lacks SMTPUTF8, which the address needs");
    private static final SmtpReply MESSAGE_NEEDS_SMTPUTF8 =
            SmtpReply.of(550, "5.6.9", "Next hop lacks SMTPUTF8, which the header section needs");
    private static final SmtpReply NEEDS_BINARYMIME =
            SmtpReply.of(554, "5.6.3", "Next hop lacks BINARYMIME, which the message needs");

    private final RelayRequest request;
    private final NextHopConnections connections;
    private final Executor workers;
    private final CompletableFuture<RelayResult> result = new CompletableFuture<>();

    private final @Nullable RecipientOutcome[] outcomes;
    private List<Integer> left = new ArrayList<>();
    private boolean restarted;

    RelayAttempt(RelayRequest request, NextHopConnections connections, Executor workers) {
        this.request = request;
        this.connections = connections;
        this.workers = workers;
        this.outcomes = new @Nullable RecipientOutcome[request.recipients().size()];
    }

    SessionKey key() {
        return new SessionKey(request.nextHop().socketAddress(), request.hostname());
    }

    CompletionStage<RelayResult> result() {
        return result;
    }

    /** Ends an attempt that got no connection. */
    void noSession(SmtpReply reply) {
        result.complete(new RelayResult.NoSession(reply));
    }

    /** Goes on with a connection that has greeted. */
    void run(RelayConnection connection) {
        connection.dialogue().bound(connection.timeouts().attempt());
        boolean offered = connection.extensions().smtpUtf8();
        boolean flagged = request.envelope().smtpUtf8();
        if (flagged && !offered && !addressesNeedSmtpUtf8()) {
            // Many clients always ask for SMTPUTF8: without need it may go on without (RFC 6531 section 3.2).
            HeaderScan.scan(request.mailData(), workers, connection.loop(), needed -> {
                run(connection, needed);
            });
        } else {
            run(connection, flagged);
        }
    }

    private boolean addressesNeedSmtpUtf8() {
        return request.envelope()
                        .reversePath()
                        .mailbox()
                        .map(Mailbox::needsSmtpUtf8)
                        .orElse(false)
                || request.recipients().stream()
                        .anyMatch(r -> r.path().mailbox().needsSmtpUtf8());
    }

    private void run(RelayConnection connection, boolean headersNeedSmtpUtf8) {
        left.clear();
        for (int i = 0; i < outcomes.length; i++) {
            SmtpReply mismatch = mismatch(request.recipients().get(i), connection.extensions(), headersNeedSmtpUtf8);
            if (mismatch == null) {
                left.add(i);
            } else {
                outcomes[i] = new RecipientOutcome.PermanentFailure(mismatch);
            }
        }
        boolean kept = connection.countMessage() > 0;
        transact(connection, kept);
    }

    /** Returns why a recipient cannot be served by such a next hop at all; a 5yz, as RFC 6531 section 3.2 asks. */
    private @Nullable SmtpReply mismatch(Recipient recipient, Extensions offered, boolean headersNeedSmtpUtf8) {
        if (request.envelope().bodyType() == BodyType.BINARY_MIME) {
            return NEEDS_BINARYMIME;
        }
        if (offered.smtpUtf8()) {
            return null;
        }
        boolean reverse = request.envelope()
                .reversePath()
                .mailbox()
                .map(Mailbox::needsSmtpUtf8)
                .orElse(false);
        if (reverse || recipient.path().mailbox().needsSmtpUtf8()) {
            return ADDRESS_NEEDS_SMTPUTF8;
        }
        return headersNeedSmtpUtf8 ? MESSAGE_NEEDS_SMTPUTF8 : null;
    }

    private void transact(RelayConnection connection, boolean kept) {
        if (left.isEmpty()) {
            finish(connection);
            return;
        }
        int most = Math.min(RECIPIENTS_PER_TRANSACTION, connection.extensions().maxRecipients());
        List<Integer> batch = List.copyOf(left.subList(0, Math.min(most, left.size())));
        left = new ArrayList<>(left.subList(batch.size(), left.size()));
        List<Recipient> recipients =
                batch.stream().map(request.recipients()::get).toList();
        boolean smtpUtf8 =
                connection.extensions().smtpUtf8() && (request.envelope().smtpUtf8() || addressesNeedSmtpUtf8());
        new MailTransaction(connection, request, recipients, smtpUtf8, workers, ended -> {
                    if (kept && !restarted && isStale(ended)) {
                        restarted = true;
                        connections.restart(this, connection);
                    } else {
                        settle(connection, batch, ended);
                    }
                })
                .begin();
    }

    /** Tells whether a kept connection was dead already, so that nothing of the message can have arrived. */
    private static boolean isStale(MailTransaction ended) {
        DialogueFault fault = ended.fault();
        return fault != null
                && !ended.isMailAnswered()
                && (fault.kind() == DialogueFault.Kind.LOST || fault.kind() == DialogueFault.Kind.REFUSED);
    }

    private void settle(RelayConnection connection, List<Integer> batch, MailTransaction ended) {
        for (int i = 0; i < batch.size(); i++) {
            if (ended.isRelayed() && ended.isTooMany(i)) {
                left.add(batch.get(i));
            } else {
                outcomes[batch.get(i)] = ended.outcome(i);
            }
        }
        Optional<RecipientOutcome> ofAll = ended.verdictOfAll();
        if (ofAll.isPresent()) {
            left.forEach(i -> outcomes[i] = ofAll.get());
            left.clear();
        }
        if (connection.dialogue().isEnded() && !left.isEmpty()) {
            SmtpReply lost = DialogueFault.lost("between transactions").reply();
            left.forEach(i -> outcomes[i] = new RecipientOutcome.TransientFailure(lost));
            left.clear();
        }
        transact(connection, false);
    }

    private void finish(RelayConnection connection) {
        connections.release(connection);
        result.complete(new RelayResult.Attempted(Arrays.asList(outcomes)));
    }
}
