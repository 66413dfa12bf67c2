package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.jdbc.Sql.LaneOrder;
import org.jspecify.annotations.Nullable;

/**
 * Locks the rows of a lane that are to be leased, and no other row: what one transaction has locked another passes over, and
 * what it does not lease would be missing there. Thread-safe.
 *
 * <p>Where a query that locks does not follow an index ({@link SpoolDialect#locksInOrder}), rows are picked in order
 * without a lock, then just these are locked, one by one, and looked at again. Where others were faster, the next rows are
 * picked behind them, so each row of the lane is looked at once, and memory holds a page.
 */
final class LeasableRows {

    /** So many rows are picked at least once others were faster. */
    private static final int PAGE = 100;

    record LeasableRow(String id, long due, int attempts) {}

    private record Picked(String id, long key) {}

    private final Sql sql;
    private final boolean locksInOrder;
    private final Doubtful doubtful;
    private final Removals removals;

    LeasableRows(Database database, Doubtful doubtful, Removals removals) {
        this.sql = database.sql;
        this.locksInOrder = database.dialect.locksInOrder();
        this.doubtful = doubtful;
        this.removals = removals;
    }

    /** Returns the rows in the order asked for; they are locked until the transaction ends. */
    List<LeasableRow> lock(Connection c, LeaseRequest request, LeaseOrder order) throws SQLException {
        Map<String, LeasableRow> locked = new LinkedHashMap<>();
        switch (order) {
            case OLDEST -> lock(c, request, sql.oldest, locked);
            case NEWEST -> lock(c, request, sql.newest, locked);
            case SMALLEST -> lock(c, request, sql.smallest, locked);
        }
        if (order != LeaseOrder.OLDEST && locked.size() < request.limit()) {
            lock(c, request, sql.notFresh, locked);
        }
        return List.copyOf(locked.values());
    }

    private void lock(Connection c, LeaseRequest request, LaneOrder order, Map<String, LeasableRow> locked)
            throws SQLException {
        if (locksInOrder) {
            lockInOrder(c, request, order, locked);
        } else {
            pickThenLock(c, request, order, locked);
        }
    }

    private void lockInOrder(Connection c, LeaseRequest request, LaneOrder order, Map<String, LeasableRow> locked)
            throws SQLException {
        int limit = request.limit() - locked.size();
        int removed;
        do {
            removed = 0;
            try (PreparedStatement lock = prepare(c, order.lock(), request, limit)) {
                for (LeasableRow row : rows(lock)) {
                    removed += keepOrRemove(c, request, row, locked);
                }
            }
        } while (removed > 0); // others have their place; what is locked already is told again
    }

    private void pickThenLock(Connection c, LeaseRequest request, LaneOrder order, Map<String, LeasableRow> locked)
            throws SQLException {
        try (PreparedStatement lock = prepare(c, sql.lockPicked, request)) {
            int size = request.limit() - locked.size();
            List<Picked> page = pick(c, request, order, null, size);
            while (true) {
                for (Picked one : page) {
                    lock(c, request, lock, one, locked);
                    if (locked.size() == request.limit()) {
                        return;
                    }
                }
                if (page.size() < size) {
                    return;
                }
                size = Math.max(PAGE, request.limit() - locked.size());
                page = pick(c, request, order, page.get(page.size() - 1), size);
            }
        }
    }

    /** Picks rows behind the last one: first those with its key, then those with further ones, each by a range of an index. */
    private static List<Picked> pick(
            Connection c, LeaseRequest request, LaneOrder order, @Nullable Picked last, int size) throws SQLException {
        List<Picked> page = new ArrayList<>();
        long from = order.first();
        if (last != null) {
            pick(c, order.pickEqual(), request, page, last.key, last.id, size);
            if (page.size() == size || last.key == order.last()) {
                return page;
            }
            from = order.next(last.key);
        }
        pick(c, order.pickFrom(), request, page, from, size - page.size());
        return page;
    }

    private static void pick(Connection c, String query, LeaseRequest request, List<Picked> page, Object... parameters)
            throws SQLException {
        try (PreparedStatement statement = prepare(c, query, request, parameters);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                page.add(new Picked(rows.getString(1), rows.getLong(2)));
            }
        }
    }

    /** Locks a row if it still may be leased. One that has moved in the lane meanwhile may be picked again. */
    private void lock(
            Connection c, LeaseRequest request, PreparedStatement lock, Picked picked, Map<String, LeasableRow> locked)
            throws SQLException {
        Database.setFrom(lock, 4, picked.id);
        for (LeasableRow row : rows(lock)) {
            keepOrRemove(c, request, row, locked);
        }
    }

    private static List<LeasableRow> rows(PreparedStatement statement) throws SQLException {
        List<LeasableRow> rows = new ArrayList<>();
        try (ResultSet found = statement.executeQuery()) {
            while (found.next()) {
                rows.add(new LeasableRow(found.getString(1), found.getLong(2), found.getInt(3)));
            }
        }
        return rows;
    }

    /** Returns 1 if it was removed, else 0. */
    private int keepOrRemove(Connection c, LeaseRequest request, LeasableRow row, Map<String, LeasableRow> locked)
            throws SQLException {
        if (doubtful.contains(row.id)) {
            return removals.remove(c, row.id) == Removals.Removed.NOTHING ? 0 : 1; // large mail data is left to a sweep
        }
        if (locked.size() < request.limit()) {
            locked.putIfAbsent(row.id, row);
        }
        return 0;
    }

    /** Sets what every query of a lane begins with, then what is its own. */
    private static PreparedStatement prepare(Connection c, String query, LeaseRequest request, Object... more)
            throws SQLException {
        PreparedStatement statement = Database.prepare(
                c, query, request.domain().toString(), Micros.floor(request.dueBy()), Micros.floor(request.now()));
        try {
            Database.setFrom(statement, 4, more);
            return statement;
        } catch (Throwable e) {
            statement.close();
            throw e;
        }
    }
}
