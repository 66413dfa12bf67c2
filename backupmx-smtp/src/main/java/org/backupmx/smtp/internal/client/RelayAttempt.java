package org.backupmx.smtp.internal.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of one message, from its request to the outcome of every recipient: as many transactions, and connections,
 * as the next hop's limits ask for, and one fresh start if a kept connection turns out dead, or BDAT unknown.
 *
 * <p>Waits in {@link NextHopConnections}, then belongs to the event loop of its connection.
 */
final class RelayAttempt {

    /** What every server takes in one transaction (RFC 5321 section 4.5.3.1.8). */
    private static final int RECIPIENTS_PER_TRANSACTION = 100;

    private static final long NOT_BEGUN = Long.MIN_VALUE;

    private static final SmtpReply ADDRESS_NEEDS_SMTPUTF8 =
            SmtpReply.of(550, "5.6.7", "Next hop lacks SMTPUTF8, which the address needs");
    private static final SmtpReply MESSAGE_NEEDS_SMTPUTF8 =
            SmtpReply.of(550, "5.6.9", "Next hop lacks SMTPUTF8, which the header section needs");
    private static final SmtpReply NEEDS_REQUIRETLS =
            SmtpReply.of(550, "5.7.30", "Next hop lacks REQUIRETLS, which the message needs");
    private static final SmtpReply NOT_AUTHENTICATED = SmtpReply.of(
            451, "4.7.5", "The message needs REQUIRETLS, and the settings do not have the next hop authenticated");
    private static final SmtpReply NEEDS_BINARYMIME =
            SmtpReply.of(554, "5.6.3", "Next hop lacks BINARYMIME, which the message needs");

    private final RelayRequest request;
    private final SessionKey key;
    private final NextHopConnections connections;
    private final SessionSecurity shared;
    private final boolean chunking;
    private final CompletableFuture<RelayResult> result = new CompletableFuture<>();

    private final @Nullable RecipientOutcome[] outcomes;
    private List<Integer> left = new ArrayList<>();
    private boolean restarted;
    private Optional<PrimaryCapabilities> said = Optional.empty(); // by the connection that was new, if one was
    private long endsAt = NOT_BEGUN;

    /** Makes an attempt; {@code chunking} tells whether BDAT is used where it is offered. */
    RelayAttempt(RelayRequest request, NextHopConnections connections, SessionSecurity shared, boolean chunking) {
        this.request = request;
        this.key = SessionKey.of(request.nextHop(), request.hostname(), request.settings());
        this.connections = connections;
        this.shared = shared;
        this.chunking = chunking;
        this.outcomes = new @Nullable RecipientOutcome[request.recipients().size()];
    }

    SessionKey key() {
        return key;
    }

    CompletionStage<RelayResult> result() {
        return result;
    }

    /** Ends an attempt that got no connection, or no further one. */
    void noSession(DialogueFault fault) {
        if (Arrays.stream(outcomes).anyMatch(Objects::nonNull)) {
            failAll(new RecipientOutcome.TransientFailure(asTransient(fault)));
            result.complete(new RelayResult.Attempted(Arrays.asList(outcomes), said));
        } else {
            result.complete(new RelayResult.NoSession(fault.reply(), fault.about()));
        }
    }

    /** A 5yz in place of the banner is not about the message. */
    private static SmtpReply asTransient(DialogueFault fault) {
        return fault.reply().isTransient()
                ? fault.reply()
                : SmtpReply.of(451, "4.3.0", "Next hop refused another session: " + fault.reply());
    }

    private void failAll(RecipientOutcome outcome) {
        for (int i = 0; i < outcomes.length; i++) {
            if (outcomes[i] == null) {
                outcomes[i] = outcome;
            }
        }
        left.clear();
    }

    /** Goes on with a connection that has greeted. */
    void run(RelayConnection connection) {
        if (endsAt == NOT_BEGUN) {
            endsAt = connection.now() + connection.timeouts().attempt().toNanos();
        }
        connection.dialogue().bound(Duration.ofNanos(Math.max(0, endsAt - connection.now())));
        if (request.envelope().requireTls() && !connection.isAuthenticated()) {
            failAll(new RecipientOutcome.TransientFailure(NOT_AUTHENTICATED));
            finish(connection);
            return;
        }
        boolean offered = connection.extensions().smtpUtf8();
        boolean flagged = request.envelope().smtpUtf8();
        if (flagged && !offered && !addressesNeedSmtpUtf8()) {
            // Many clients always ask for SMTPUTF8: without need it may go on without (RFC 6531 section 3.2).
            HeaderScan.scan(request.mailData(), shared.workers(), connection.loop(), needed -> {
                run(connection, needed);
            });
        } else {
            run(connection, flagged);
        }
    }

    private boolean addressesNeedSmtpUtf8() {
        return reversePathNeedsSmtpUtf8()
                || request.recipients().stream()
                        .anyMatch(r -> r.path().mailbox().needsSmtpUtf8());
    }

    private boolean reversePathNeedsSmtpUtf8() {
        return request.envelope()
                .reversePath()
                .mailbox()
                .map(Mailbox::needsSmtpUtf8)
                .orElse(false);
    }

    private void run(RelayConnection connection, boolean headersNeedSmtpUtf8) {
        left.clear();
        for (int i = 0; i < outcomes.length; i++) {
            if (outcomes[i] == null) { // not decided on another connection
                SmtpReply mismatch =
                        mismatch(request.recipients().get(i), connection.extensions(), headersNeedSmtpUtf8);
                if (mismatch == null) {
                    left.add(i);
                } else {
                    outcomes[i] = new RecipientOutcome.PermanentFailure(mismatch);
                }
            }
        }
        boolean kept = connection.countMessage() > 0;
        if (!kept) {
            said = Optional.of(connection.capabilities());
        }
        transact(connection, kept);
    }

    /** Returns why a recipient cannot be served by such a next hop at all; a 5yz, as RFC 6531 section 3.2 asks. */
    private @Nullable SmtpReply mismatch(Recipient recipient, Extensions offered, boolean headersNeedSmtpUtf8) {
        if (request.envelope().bodyType() == BodyType.BINARY_MIME) {
            return NEEDS_BINARYMIME;
        }
        if (request.envelope().requireTls() && !offered.requireTls()) {
            return NEEDS_REQUIRETLS;
        }
        if (offered.smtpUtf8()) {
            return null;
        }
        if (reversePathNeedsSmtpUtf8() || recipient.path().mailbox().needsSmtpUtf8()) {
            return ADDRESS_NEEDS_SMTPUTF8;
        }
        return headersNeedSmtpUtf8 ? MESSAGE_NEEDS_SMTPUTF8 : null;
    }

    private void transact(RelayConnection connection, boolean kept) {
        if (left.isEmpty()) {
            finish(connection);
            return;
        }
        if (connection.isUsedUp()) {
            connections.elsewhere(this, connection);
            return;
        }
        List<Integer> batch = takeBatch(connection.extensions());
        List<Recipient> recipients =
                batch.stream().map(request.recipients()::get).toList();
        boolean smtpUtf8 =
                connection.extensions().smtpUtf8() && (request.envelope().smtpUtf8() || addressesNeedSmtpUtf8());
        new MailTransaction(connection, request, recipients, smtpUtf8, isChunked(connection), shared, ended -> {
                    if (!restarted && kept && isStale(ended.replies())) {
                        restarted = true;
                        connections.restart(this, connection);
                    } else if (!restarted && ended.isWorthData()) {
                        restarted = true;
                        connections.elsewhere(this, connection);
                    } else {
                        settle(connection, batch, ended.replies());
                    }
                })
                .begin();
    }

    /** Takes the recipients of the next transaction, as many as every server takes and this one says. */
    private List<Integer> takeBatch(Extensions offered) {
        int most = Math.min(RECIPIENTS_PER_TRANSACTION, offered.maxRecipients());
        List<Integer> batch = new ArrayList<>();
        List<Integer> rest = new ArrayList<>();
        Set<MailDomain> domains = new HashSet<>();
        for (int i : left) {
            MailDomain domain = request.recipients().get(i).path().mailbox().domain();
            if (batch.size() < most && (domains.contains(domain) || domains.size() < offered.maxDomains())) {
                domains.add(domain);
                batch.add(i);
            } else {
                rest.add(i);
            }
        }
        left = rest;
        return batch;
    }

    /** A long message by chunks one at a time would take a round trip for each, so that takes PIPELINING. */
    private boolean isChunked(RelayConnection connection) {
        Extensions offered = connection.extensions();
        return chunking
                && offered.chunking()
                && (offered.pipelining() || request.mailData().sizeBytes() < MailDataReader.CHUNK_BYTES)
                && !shared.broken()
                        .isBroken(BrokenOffers.Offer.CHUNKING, connection.key().address(), connection.now());
    }

    /** Tells whether a kept connection was dead already, so that nothing of the message can have arrived. */
    private static boolean isStale(TransactionReplies ended) {
        DialogueFault fault = ended.fault();
        return fault != null
                && !ended.isMailAnswered()
                && !ended.isUnknown()
                && (fault.kind() == DialogueFault.Kind.LOST || fault.kind() == DialogueFault.Kind.REFUSED);
    }

    private void settle(RelayConnection connection, List<Integer> batch, TransactionReplies ended) {
        for (int i = 0; i < batch.size(); i++) {
            if (ended.isRelayed() && ended.isTooMany(i)) {
                left.add(batch.get(i));
            } else {
                outcomes[batch.get(i)] = ended.outcome(i);
            }
        }
        ended.verdictOfAll().ifPresent(this::failAll);
        if (connection.dialogue().isEnded() && !left.isEmpty()) {
            failAll(new RecipientOutcome.TransientFailure(
                    DialogueFault.lost("between transactions").reply()));
        }
        transact(connection, false);
    }

    private void finish(RelayConnection connection) {
        connections.release(connection);
        result.complete(new RelayResult.Attempted(Arrays.asList(outcomes), said));
    }
}
