package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backupmx.internal.dsn.FailedRecipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.retry.RetryDecision;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/** What an attempt made of a message, while it is being put together. Used by one thread at a time. */
final class AttemptOutcome {

    /** The most characters of a reply that are kept. */
    private static final int MAX_REPLY_CHARS = 1000;

    /** When a recipient in rescue is tried again. */
    private static final Duration RESCUE_SOONEST = Duration.ofMinutes(5);

    private static final Duration RESCUE_LATEST = Duration.ofHours(1);

    /** A recipient that the message will not reach. */
    record Lost(QueuedRecipient recipient, FailedRecipient failure) {}

    final SpoolLease lease; // with every recipient of the lane, those that were not attempted included
    final @Nullable NextHopAddress via;
    final LaneExpiry expiry;
    final Instant now;
    final Map<Integer, RecipientState> states = new HashMap<>();
    final List<Lost> lost = new ArrayList<>(0);
    final Set<Integer> notified = new HashSet<>(0); // whose reverse-path is told
    final List<Lost> rescues = new ArrayList<>(0); // who goes to the rescue hosts from now on
    boolean isRescue; // whether this was an attempt there
    private boolean isOtherwise; // whether somebody goes another way from now on: to the rescue hosts, or with a tag
    Instant nextDue;
    private boolean isDeferred; // somebody is, and nextDue is his
    boolean isAttempt = true; // expiring counts as one, too

    @Nullable
    Instant heldUntil; // if the message went to the dead letters

    private @Nullable RetryDecision decision; // one for all: they are attempted together

    AttemptOutcome(SpoolLease lease, @Nullable NextHopAddress via, LaneExpiry expiry, Instant now) {
        this.lease = lease;
        this.via = via;
        this.expiry = expiry;
        this.now = now;
        this.nextDue = lease.due();
    }

    /** When what was deferred is tried again. */
    RetryDecision retry() {
        if (decision == null) {
            decision = expiry.decide(lease.message(), lease.attempts() + 1, now);
        }
        return decision;
    }

    void relayed(QueuedRecipient recipient, SmtpReply reply) {
        states.put(recipient.index(), new RecipientState.Relayed(reply, now));
    }

    void deferred(QueuedRecipient recipient, SmtpReply reply, Instant due) {
        // all are tried again together, when the first of them may be
        nextDue = isDeferred && nextDue.isBefore(due) ? nextDue : due;
        isDeferred = true;
        states.put(recipient.index(), new RecipientState.Deferred(reply, now));
    }

    void refused(QueuedRecipient recipient, SmtpReply reply) {
        lost.add(new Lost(recipient, FailedRecipient.refused(recipient.recipient(), reply, host())));
    }

    void expired(QueuedRecipient recipient, SmtpReply reply) {
        lost.add(new Lost(recipient, FailedRecipient.expired(recipient.recipient(), reply, host())));
    }

    private @Nullable String host() {
        return via == null ? null : via.nextHop().host();
    }

    /** Nobody waits for a lost recipient any more. */
    void end(Lost one, boolean isNotified) {
        SmtpReply reply = one.failure().reply();
        int index = one.recipient().index();
        states.put(
                index,
                one.failure().isExpired()
                        ? new RecipientState.Expired(reply, now)
                        : new RecipientState.Failed(reply, now));
        if (isNotified) {
            notified.add(index);
        }
    }

    /** A lost recipient is kept for an operator: deferred with a reply that permits no further attempt. */
    void bury(Lost one) {
        SmtpReply reply = one.failure().reply();
        SmtpReply kept = reply.isPermanent() && !one.failure().isExpired()
                ? reply
                : bounded(SmtpReply.of(554, "5.4.7", "Delivery time expired, the last answer was: " + text(reply)));
        states.put(one.recipient().index(), new RecipientState.Deferred(kept, now));
    }

    /** A lost recipient goes to the rescue hosts from now on. */
    void rescue(Lost one) {
        states.put(
                one.recipient().index(),
                new RecipientState.Deferred(RescueMark.begun(now, one.failure().reply()), now));
        rescues.add(one);
        isOtherwise = true;
    }

    /** A recipient in rescue could not be reached there: it is tried again, rarer with time. */
    void rescueDeferred(QueuedRecipient recipient, SmtpReply reply) {
        Instant since = RescueMark.since(recipient.state()).orElse(now);
        Duration wait = Duration.between(since, now).dividedBy(4);
        wait = wait.compareTo(RESCUE_SOONEST) < 0 ? RESCUE_SOONEST : wait;
        wait = wait.compareTo(RESCUE_LATEST) > 0 ? RESCUE_LATEST : wait;
        deferred(
                recipient,
                RescueMark.answered(recipient.state(), reply),
                Greylisted.soonest(reply, recipient.state(), lease.attempts(), now.plus(wait), now));
    }

    /** A recipient in rescue is refused there: an operator has to look at it. */
    void rescueFailed(QueuedRecipient recipient, SmtpReply reply) {
        states.put(recipient.index(), new RecipientState.Deferred(reply, now));
    }

    /** A recipient whose message was refused for its content gets it once more, with a tag. */
    void tagged(QueuedRecipient recipient, SmtpReply refusal) {
        states.put(recipient.index(), new RecipientState.Deferred(TagMark.marked(refusal), now));
        isOtherwise = true;
    }

    /** Tells whether somebody goes another way from now on, and nobody has to be waited for. */
    boolean goesOtherwise() {
        if (!isOtherwise) {
            return false;
        }
        for (QueuedRecipient recipient : lease.recipients()) {
            RecipientState state = state(recipient);
            if (!state.isFinal() && DeadLetters.isPlain(state)) {
                return false;
            }
        }
        return true;
    }

    /** The state that a recipient of the lease will have. */
    RecipientState state(QueuedRecipient recipient) {
        return states.getOrDefault(recipient.index(), recipient.state());
    }

    /** Tells whether a recipient is in rescue from now on. */
    boolean isInRescue() {
        for (QueuedRecipient recipient : lease.recipients()) {
            if (RescueMark.is(state(recipient))) {
                return true;
            }
        }
        return false;
    }

    /** Tells whether recipients are left in the lane. */
    boolean remains() {
        for (QueuedRecipient recipient : lease.recipients()) {
            if (!state(recipient).isFinal()) {
                return true;
            }
        }
        return false;
    }

    /** What is kept of a peer's reply: nothing that looks like a mark of ours. */
    static SmtpReply ofPeer(SmtpReply reply) {
        SmtpReply kept = bounded(reply);
        return RescueMark.isMark(kept) || TagMark.isMark(kept)
                ? SmtpReply.of(kept.code(), kept.enhanced(), List.of("\"" + String.join(" ", kept.lines()) + "\""))
                : kept;
    }

    static String text(SmtpReply reply) {
        return reply.code() + reply.enhanced().map(code -> " " + code).orElse("") + " "
                + String.join(" ", reply.lines());
    }

    /** What is kept of a reply: queued messages hold it, and its length is the next hop's. */
    static SmtpReply bounded(SmtpReply reply) {
        int chars = reply.lines().stream().mapToInt(line -> line.length() + 1).sum();
        if (chars <= MAX_REPLY_CHARS) {
            return reply;
        }
        StringBuilder start = new StringBuilder(2 * MAX_REPLY_CHARS);
        for (String line : reply.lines()) {
            start.append(line, 0, Math.min(line.length(), MAX_REPLY_CHARS)).append(' ');
            if (start.length() > MAX_REPLY_CHARS) {
                break;
            }
        }
        int end = Math.min(start.length(), MAX_REPLY_CHARS);
        end -= Character.isHighSurrogate(start.charAt(end - 1)) ? 1 : 0;
        return SmtpReply.of(reply.code(), reply.enhanced(), List.of(start.substring(0, end) + "..."));
    }
}
