package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.backupmx.spool.SpoolException;

/** PostgreSQL: DDL is transactional, commits are durable unless switched off. */
final class PostgreSqlDialect extends SpoolDialect {

    static final PostgreSqlDialect INSTANCE = new PostgreSqlDialect();

    /** "bmxspool" as a number: the advisory lock under which tables are made. */
    private static final long SCHEMA_LOCK = 0x626d7873706f6f6cL;

    private static final String DISK_FULL_STATE = "53100";

    private PostgreSqlDialect() {}

    @Override
    public String name() {
        return "postgresql";
    }

    @Override
    void checkDurability(Connection connection) throws SQLException, SpoolException {
        for (String setting : new String[] {"synchronous_commit", "fsync"}) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SHOW " + setting)) {
                if (rows.next() && "off".equals(rows.getString(1))) {
                    throw new SpoolException("PostgreSQL's " + setting
                            + " is off, so no commit would survive a loss of power (switch it on, for the whole server"
                            + " or, synchronous_commit, for the spool's role)");
                }
            }
        }
    }

    @Override
    void lockSchema(Connection connection) throws SQLException {
        execute(connection, "SELECT pg_advisory_xact_lock(" + SCHEMA_LOCK + ")");
    }

    @Override
    void relax(Connection connection) throws SQLException {
        execute(connection, "SET LOCAL synchronous_commit TO OFF");
    }

    @Override
    boolean syncsApart() {
        return false;
    }

    @Override
    void sync(Connection connection) {
        // A commit is durable when it returns.
    }

    @Override
    boolean locksInOrder() {
        return true;
    }

    @Override
    boolean isFull(SQLException e) {
        return DISK_FULL_STATE.equals(e.getSQLState());
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
