package org.backupmx.history.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.backupmx.history.HistoryException;

/** What one database engine does its own way, for histories. */
enum HistoryDatabase {
    /** DDL commits by itself; commits reach the disk by {@code CHECKPOINT SYNC} only. */
    H2("VARCHAR(200)", "VARCHAR(1000)") {
        @Override
        void lockSchema(Statement statement) {
            // H2 runs one DDL statement at a time, and each may be repeated
        }

        @Override
        void sync(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                statement.execute("CHECKPOINT SYNC");
            }
        }
    },
    /** DDL is transactional; a commit is durable when it returns, unless the server was told otherwise. */
    POSTGRESQL("VARCHAR(200) COLLATE \"C\"", "VARCHAR(1000) COLLATE \"C\"") {
        @Override
        void lockSchema(Statement statement) throws SQLException {
            statement.execute("SELECT pg_advisory_xact_lock(" + SCHEMA_LOCK + ")");
        }

        @Override
        void sync(Connection connection) {
            // done
        }
    };

    /** "bmxhist" as a number: the advisory lock under which tables are made. */
    private static final long SCHEMA_LOCK = 0x626d7868697374L;

    private final String seriesType;
    private final String textType;

    HistoryDatabase(String seriesType, String textType) {
        this.seriesType = seriesType;
        this.textType = textType;
    }

    static HistoryDatabase of(Connection connection) throws SQLException, HistoryException {
        String product = connection.getMetaData().getDatabaseProductName();
        return switch (product) {
            case "H2" -> H2;
            case "PostgreSQL" -> POSTGRESQL;
            default -> throw new HistoryException("database: " + product + " (expected: H2 or PostgreSQL)");
        };
    }

    /** Keeps engines that make the tables at once apart, until the transaction ends. */
    abstract void lockSchema(Statement statement) throws SQLException;

    /** Forces to disk what was committed. */
    abstract void sync(Connection connection) throws SQLException;

    /** Returns the statements that make the tables; each may be repeated. */
    String[] schema(String prefix) {
        return new String[] {
            // the last number given in a series; locked by whoever changes the series
            "CREATE TABLE IF NOT EXISTS " + prefix + "history_series (series " + seriesType
                    + " NOT NULL PRIMARY KEY, last_no BIGINT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS " + prefix + "history_entry (series " + seriesType
                    + " NOT NULL, entry_no BIGINT NOT NULL, at_millis BIGINT NOT NULL, entry_text " + textType
                    + " NOT NULL, PRIMARY KEY (series, entry_no))"
        };
    }
}
