package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.backupmx.spool.SpoolException;

/** H2: DDL commits by itself, commits reach the disk only by {@code CHECKPOINT SYNC}. */
final class H2Dialect extends SpoolDialect {

    static final H2Dialect INSTANCE = new H2Dialect();

    private static final String NO_ADMIN_STATE = "90040";

    private H2Dialect() {}

    @Override
    public String name() {
        return "h2";
    }

    @Override
    void checkDurability(Connection connection) throws SQLException, SpoolException {
        try {
            sync(connection);
        } catch (SQLException e) {
            if (NO_ADMIN_STATE.equals(e.getSQLState())) {
                throw new SpoolException(
                        "the H2 user may not CHECKPOINT SYNC, without which no commit is durable"
                                + " (do: ALTER USER ... ADMIN TRUE)",
                        e);
            }
            throw e;
        }
    }

    @Override
    void lockSchema(Connection connection) {
        // Every statement of the script may be repeated, and H2 runs one DDL statement at a time.
    }

    @Override
    void relax(Connection connection) {
        // Commits reach the disk when synced, or half a second later.
    }

    @Override
    boolean syncsApart() {
        return true;
    }

    @Override
    void sync(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CHECKPOINT SYNC");
        }
    }

    @Override
    boolean locksInOrder() {
        return false; // it reads, locks and sorts all that fits, then cuts
    }

    @Override
    boolean isFull(SQLException e) {
        // H2 has no code for it: the operating system's words are in a cause.
        int depth = 0;
        for (Throwable t = e; t != null && depth < 10; t = t.getCause(), depth++) {
            String message = t.getMessage();
            if (message != null && (message.contains("No space left") || message.contains("not enough space"))) {
                return true;
            }
        }
        return false;
    }
}
