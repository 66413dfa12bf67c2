package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.read;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;

/** What a history knows of its spool: messages, leases, and which messages could not be read and stand aside. */
final class Expectation {

    private final Map<SpoolId, Known> known = new LinkedHashMap<>();
    private final List<SpoolLease> leases = new ArrayList<>();
    private final Set<SpoolId> aside = new HashSet<>();
    private final Set<SpoolId> gone = new HashSet<>();

    Map<SpoolId, Known> known() {
        return known;
    }

    List<SpoolLease> leases() {
        return leases;
    }

    /** Tells whether there was such a message, which is gone for good. */
    boolean isGone(SpoolId id) {
        return gone.contains(id);
    }

    /** A message could not be read: it is leased no more, and its leases have ended. */
    void aside(SpoolId id) {
        aside.add(id);
        leases.removeIf(lease -> lease.id().equals(id));
    }

    boolean isAside(SpoolId id) {
        return aside.contains(id);
    }

    void nothingAside() {
        aside.clear();
    }

    /** Returns any message that can be read. */
    Optional<SpoolId> pick(Random random) {
        List<SpoolId> there = known.entrySet().stream()
                .filter(one -> one.getValue().now().isPresent() && !isAside(one.getKey()))
                .map(Map.Entry::getKey)
                .toList();
        return there.isEmpty() ? Optional.empty() : Optional.of(there.get(random.nextInt(there.size())));
    }

    QueuedMessage queued(SpoolId id) {
        return known.get(id).now().orElseThrow();
    }

    static boolean isOver(SpoolLease lease, Instant now) {
        return !now.isBefore(lease.until());
    }

    Set<SpoolId> leasable(MailDomain domain, Instant now) {
        Set<SpoolId> right = new HashSet<>();
        known.forEach((id, message) -> message.now().ifPresent(version -> {
            boolean due = !version.held()
                    && version.lanes().stream()
                            .anyMatch(lane ->
                                    lane.domain().equals(domain) && !lane.due().isAfter(now));
            if (due && !isLeased(id, domain) && !isAside(id)) {
                right.add(id);
            }
        }));
        return right;
    }

    /** Tells whether somebody has a lane; a lease that is over ends when its lane is leased from again. */
    boolean isLeased(SpoolId id, MailDomain domain) {
        return leases.stream()
                .anyMatch(lease -> lease.id().equals(id) && lease.domain().equals(domain));
    }

    /** Compares a spool with the last word on each message; {@code spoiled} tells whether more may stand aside now. */
    void compare(FileSpool spool, boolean spoiled) throws IOException {
        Set<SpoolId> before = Set.copyOf(aside);
        List<QueuedMessage> intact = new ArrayList<>();
        spool.scan(entry -> {
            if (entry instanceof SpoolEntry.Intact one) {
                intact.add(one.message());
            } else if (entry instanceof SpoolEntry.Damaged one) {
                aside(one.id().orElseThrow());
            }
        });
        if (!spoiled) {
            assertThat(aside).isEqualTo(before);
        }
        List<QueuedMessage> right = new ArrayList<>();
        known.forEach((id, message) -> {
            if (!isAside(id)) {
                message.now().ifPresent(right::add);
            }
        });
        assertThat(intact).containsExactlyInAnyOrderElementsOf(right);
        for (QueuedMessage message : intact) {
            checkMailData(spool, message.id(), spoiled);
        }
        known.forEach((id, message) -> {
            if (message.isGone()) {
                gone.add(id);
            }
        });
        known.keySet().removeAll(gone);
    }

    private void checkMailData(FileSpool spool, SpoolId id, boolean spoiled) throws IOException {
        try {
            assertThat(read(spool, id))
                    .as("mail data of " + id)
                    .isEqualTo(known.get(id).mailData());
        } catch (IOException e) {
            if (!spoiled || !String.valueOf(e.getMessage()).contains("Input/output error")) {
                throw e;
            }
        }
    }
}
