package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpooledMessage;
import org.backupmx.spool.jdbc.LeasableRows.LeasableRow;
import org.backupmx.spool.jdbc.Removals.Removed;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may attempt what until when. Thread-safe.
 *
 * <p>Whoever changes a message as a whole locks its row first and its lanes afterwards; a lease locks lanes only, and
 * passes over those that others have locked.
 */
final class LeaseTable {

    private static final Logger LOG = LoggerFactory.getLogger(LeaseTable.class);

    private static final int PAGE = 500;

    private record Due(LeasableRow row, long token) {

        String id() {
            return row.id();
        }
    }

    private final Database database;
    private final Sql sql;
    private final MessageTable messages;
    private final Removals removals;
    private final LeasableRows leasable;
    private final Ids ids;
    private final long owner;

    LeaseTable(Database database, MessageTable messages, Removals removals, LeasableRows leasable, Ids ids) {
        this.database = database;
        this.sql = database.sql;
        this.messages = messages;
        this.removals = removals;
        this.leasable = leasable;
        this.ids = ids;
        owner = ids.token();
    }

    List<SpoolLane> lanes() throws SpoolException {
        return database.read("list lanes", c -> {
            List<SpoolLane> lanes = new ArrayList<>();
            try (PreparedStatement statement = c.prepareStatement(sql.lanes);
                    ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    lanes.add(new SpoolLane(
                            MailDomain.of(rows.getString(1)),
                            rows.getLong(2),
                            rows.getLong(3),
                            rows.getLong(4),
                            Micros.instant(rows.getLong(5))));
                }
            }
            return lanes;
        });
    }

    Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
        String name = domain.toString();
        return database.read("tell what is due", c -> {
            try (PreparedStatement statement = Database.prepare(c, sql.nextDue, name, name);
                    ResultSet rows = statement.executeQuery()) {
                if (!rows.next()) {
                    return Optional.empty();
                }
                long due = rows.getLong(1);
                return rows.wasNull() ? Optional.empty() : Optional.of(Micros.instant(due));
            }
        });
    }

    List<SpoolLease> lease(LeaseRequest request, LeaseOrder order) throws SpoolException {
        return database.write("lease messages", Database.Durable.COMMITTED, c -> lease(c, request, order));
    }

    private List<SpoolLease> lease(Connection c, LeaseRequest request, LeaseOrder order) throws SQLException {
        List<Due> due = leasable.lock(c, request, order).stream()
                .map(row -> new Due(row, ids.token()))
                .toList();
        if (due.isEmpty()) {
            return List.of();
        }
        try (PreparedStatement statement = c.prepareStatement(sql.takeLease)) {
            for (Due one : due) {
                Database.setFrom(
                        statement,
                        1,
                        Micros.ceil(request.until()),
                        one.token,
                        owner,
                        one.id(),
                        request.domain().toString());
                statement.addBatch();
            }
            statement.executeBatch();
        }
        List<SpoolLease> leases = new ArrayList<>(due.size());
        for (int from = 0; from < due.size(); from += PAGE) {
            List<Due> page = due.subList(from, Math.min(from + PAGE, due.size()));
            Map<String, StoredMessage> loaded =
                    messages.load(c, page.stream().map(Due::id).toList(), false);
            for (Due one : page) {
                StoredMessage message = loaded.get(one.id());
                if (message != null) {
                    lease(request, one, message).ifPresent(leases::add);
                }
            }
        }
        return leases;
    }

    /** A damaged message stays leased: others come first until the lease ends, and a scan tells of the damage. */
    private Optional<SpoolLease> lease(LeaseRequest request, Due due, StoredMessage stored) {
        try {
            SpooledMessage message = stored.spooled();
            return Optional.of(new SpoolLease(
                    message,
                    request.domain(),
                    stored.open(request.domain(), message),
                    due.row.attempts(),
                    Micros.instant(due.row.due()),
                    request.until(),
                    due.token));
        } catch (SpoolDamagedException e) {
            LOG.atWarn()
                    .addKeyValue("spoolId", due.id())
                    .addKeyValue("domain", request.domain())
                    .log("damaged message not leased: {}", e.getMessage());
            return Optional.empty();
        }
    }

    SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
        if (!until.isAfter(now)) {
            throw new IllegalArgumentException("until: " + until + " (expected: after now, " + now + ")");
        }
        checkNotEnded(lease, now);
        long token = ids.token();
        int renewed = database.write(
                "renew a lease",
                Database.Durable.COMMITTED,
                c -> Database.update(
                        c,
                        sql.renewLease,
                        Micros.ceil(until),
                        token,
                        owner,
                        lease.id().value(),
                        lease.domain().toString(),
                        lease.token(),
                        Micros.floor(now)));
        if (renewed == 0) {
            throw lost(lease, now);
        }
        return lease.renewed(until, token);
    }

    void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
        checkNotEnded(lease, settlement.at());
        Removed removed = database.write("settle a lease", Database.Durable.SOON, c -> settle(c, lease, settlement));
        clearAfter(removed, lease.id());
    }

    private void clearAfter(Removed removed, SpoolId id) {
        if (removed == Removed.ALL_BUT_MAIL_DATA) {
            removals.clear(id.value());
        }
    }

    /** Returns what of the message is gone. */
    private Removed settle(Connection c, SpoolLease lease, Settlement settlement) throws SQLException, SpoolException {
        Map<Integer, RecipientState> states = settlement.states();
        List<Integer> open =
                lease.recipients().stream().map(QueuedRecipient::index).toList();
        boolean done = open.stream().allMatch(index -> isFinal(states.get(index)));
        if (done) {
            messages.lock(c, lease.id());
        }
        if (!holds(c, lease, settlement.at())) {
            throw lost(lease, settlement.at());
        }
        if (!open.containsAll(states.keySet())) {
            throw new IllegalArgumentException(
                    "states: recipients " + states.keySet() + " (expected: among " + open + ")");
        }
        String id = lease.id().value();
        String domain = lease.domain().toString();
        if (!done) {
            settleRecipients(c, id, states);
            Database.update(
                    c, sql.settleLane, Micros.floor(settlement.nextDue()), settlement.attempt() ? 1 : 0, id, domain);
        } else if (countLanes(c, id) > 1) {
            settleRecipients(c, id, states);
            Database.update(c, sql.deleteLane, id, domain);
        } else {
            return removals.remove(c, id);
        }
        return Removed.NOTHING;
    }

    private static boolean isFinal(@Nullable RecipientState state) {
        return state != null && state.isFinal();
    }

    private boolean holds(Connection c, SpoolLease lease, Instant at) throws SQLException {
        try (PreparedStatement statement = Database.prepare(
                        c,
                        sql.checkLease,
                        lease.id().value(),
                        lease.domain().toString(),
                        lease.token(),
                        Micros.floor(at));
                ResultSet rows = statement.executeQuery()) {
            return rows.next();
        }
    }

    private long countLanes(Connection c, String id) throws SQLException {
        try (PreparedStatement statement = Database.prepare(c, sql.countLanes, id);
                ResultSet rows = statement.executeQuery()) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private void settleRecipients(Connection c, String id, Map<Integer, RecipientState> states) throws SQLException {
        if (states.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = c.prepareStatement(sql.settleRecipient)) {
            for (Map.Entry<Integer, RecipientState> entry : states.entrySet()) {
                Database.setFrom(statement, 1, States.columns(entry.getValue()));
                Database.setFrom(statement, 6, id, entry.getKey());
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    /** Gives up the leases of this spool; reads every lane, once in a spool's life. */
    void giveUp(Connection c) throws SQLException {
        Database.update(c, sql.giveUpLeases, owner);
    }

    boolean hold(SpoolId id, boolean held) throws SpoolException {
        return changeLanes("hold or release a message", Database.Durable.NOW, id, sql.hold, held);
    }

    boolean reschedule(SpoolId id, Instant due) throws SpoolException {
        return changeLanes("reschedule a message", Database.Durable.SOON, id, sql.reschedule, Micros.floor(due));
    }

    boolean resetAttempts(SpoolId id, Instant due) throws SpoolException {
        return changeLanes("reset a message", Database.Durable.SOON, id, sql.resetAttempts, Micros.floor(due));
    }

    private boolean changeLanes(String what, Database.Durable durable, SpoolId id, String update, Object value)
            throws SpoolException {
        return database.write(
                what, durable, c -> messages.lock(c, id) && Database.update(c, update, value, id.value()) > 0);
    }

    long reschedule(MailDomain domain, Instant due) throws SpoolException {
        return database.<Integer>write(
                "reschedule a lane",
                Database.Durable.SOON,
                c -> Database.update(c, sql.rescheduleLane, Micros.floor(due), domain.toString()));
    }

    boolean delete(SpoolId id) throws SpoolException {
        Removed removed = database.write("delete a message", Database.Durable.NOW, c -> removals.remove(c, id.value()));
        clearAfter(removed, id);
        return removed != Removed.NOTHING;
    }

    private static void checkNotEnded(SpoolLease lease, Instant at) throws SpoolLeaseLostException {
        if (!at.isBefore(lease.until())) {
            throw lost(lease, at);
        }
    }

    private static SpoolLeaseLostException lost(SpoolLease lease, Instant at) {
        return new SpoolLeaseLostException("lease of " + lease.id() + " in " + lease.domain() + " is lost at " + at
                + " (ended at " + lease.until() + ", renewed, settled or deleted)");
    }
}
