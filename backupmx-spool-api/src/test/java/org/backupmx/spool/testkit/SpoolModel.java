package org.backupmx.spool.testkit;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpooledMessage;
import org.jspecify.annotations.Nullable;

/** What a spool should hold, in the simplest form: lists that are searched from end to end. One thread. */
final class SpoolModel {

    /** One message. */
    static final class Message {
        final SpooledMessage message;
        final byte[] mailData;
        final RecipientState[] states;
        final Map<MailDomain, Lane> lanes = new LinkedHashMap<>();
        boolean held;

        Message(SpooledMessage message, byte[] mailData) {
            this.message = message;
            this.mailData = mailData;
            states = new RecipientState[message.envelope().recipients().size()];
            Arrays.fill(states, RecipientState.Pending.INSTANCE);
            message.envelope().domains().forEach(domain -> lanes.put(domain, new Lane(this, domain)));
        }

        QueuedMessage queued() {
            List<MessageLane> open = lanes.values().stream()
                    .filter(lane -> !lane.recipients().isEmpty())
                    .map(lane -> new MessageLane(lane.domain, lane.recipients(), lane.attempts, lane.due))
                    .toList();
            return new QueuedMessage(message, open, held);
        }
    }

    /** One message in one lane. */
    static final class Lane {
        final Message message;
        final MailDomain domain;
        int attempts;
        Instant due;

        @Nullable
        SpoolLease lease;

        Lane(Message message, MailDomain domain) {
            this.message = message;
            this.domain = domain;
            due = message.message.receivedAt();
        }

        List<QueuedRecipient> recipients() {
            List<QueuedRecipient> open = new ArrayList<>();
            List<Recipient> all = message.message.envelope().recipients();
            for (int i = 0; i < all.size(); i++) {
                if (all.get(i).domain().equals(domain) && !message.states[i].isFinal()) {
                    open.add(new QueuedRecipient(i, all.get(i), message.states[i]));
                }
            }
            return open;
        }

        boolean isLeased(Instant now) {
            return lease != null && lease.until().isAfter(now);
        }

        /** Tells whether the lease ended without a call that told the spool. */
        boolean hasEndedUnseen(Instant now) {
            return lease != null && !isLeased(now);
        }

        private Instant free(boolean endedLeasesToo, Instant now) {
            SpoolLease current = lease;
            boolean counts = current != null && (endedLeasesToo || isLeased(now));
            return counts && current != null && current.until().isAfter(due) ? current.until() : due;
        }
    }

    final Map<SpoolId, Message> messages = new LinkedHashMap<>();

    void add(SpooledMessage message, byte[] mailData) {
        messages.put(message.id(), new Message(message, mailData));
    }

    Stream<Lane> lane(MailDomain domain) {
        return messages.values().stream()
                .flatMap(message -> message.lanes.values().stream())
                .filter(lane -> lane.domain.equals(domain) && !lane.recipients().isEmpty());
    }

    List<Lane> leasable(LeaseRequest request) {
        return lane(request.domain())
                .filter(lane ->
                        !lane.message.held && !lane.isLeased(request.now()) && !lane.due.isAfter(request.dueBy()))
                .toList();
    }

    /** Returns the least and the greatest right answer: who tells a spool that a lease ended is up to its calls. */
    Optional<List<Instant>> nextDue(MailDomain domain, Instant now) {
        Function<Boolean, Optional<Instant>> next = endedLeasesToo -> lane(domain)
                .filter(lane -> !lane.message.held)
                .map(lane -> lane.free(endedLeasesToo, now))
                .min(Instant::compareTo);
        return next.apply(false).flatMap(low -> next.apply(true).map(high -> List.of(low, high)));
    }

    Set<SpoolLane> lanes() {
        Set<SpoolLane> lanes = new TreeSet<>((a, b) -> a.domain().compareTo(b.domain()));
        messages.values().stream()
                .flatMap(message -> message.lanes.keySet().stream())
                .distinct()
                .forEach(domain -> {
                    List<Message> queued =
                            lane(domain).map(lane -> lane.message).toList();
                    if (!queued.isEmpty()) {
                        lanes.add(new SpoolLane(
                                domain,
                                queued.size(),
                                queued.stream().filter(message -> message.held).count(),
                                queued.stream()
                                        .mapToLong(message -> message.mailData.length)
                                        .sum(),
                                queued.stream()
                                        .map(message -> message.message.receivedAt())
                                        .min(Instant::compareTo)
                                        .orElseThrow()));
                    }
                });
        return lanes;
    }

    /** Returns where a lease stands, empty if it is lost. */
    Optional<Lane> holding(SpoolLease lease, Instant now) {
        return Optional.ofNullable(messages.get(lease.id()))
                .map(message -> message.lanes.get(lease.domain()))
                .filter(lane -> lane.lease != null && lane.lease.token() == lease.token() && lane.isLeased(now));
    }

    void settle(Lane lane, Settlement settlement) {
        settlement.states().forEach((index, state) -> lane.message.states[index] = state);
        lane.lease = null;
        lane.due = settlement.nextDue();
        lane.attempts += settlement.attempt() ? 1 : 0;
        if (lane.message.queued().lanes().isEmpty()) {
            messages.remove(lane.message.message.id());
        }
    }

    void closed() {
        messages.values().forEach(message -> message.lanes.values().forEach(lane -> lane.lease = null));
    }
}
