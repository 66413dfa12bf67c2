package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.backupmx.spool.SpoolException;

/** Makes the tables, or makes sure that they are those that this library knows. */
final class Schema {

    /** The version that this library reads and writes. */
    static final int VERSION = 1;

    private static final int MISSING = -1;
    private static final int UNKNOWN = 0;
    private static final int TRIES = 5;

    private final SpoolDialect dialect;
    private final Sql sql;
    private final String prefix;
    private final int known;

    Schema(SpoolDialect dialect, Sql sql, String prefix, int known) {
        this.dialect = dialect;
        this.sql = sql;
        this.prefix = prefix;
        this.known = known;
    }

    /** Another engine may be making the tables just now, so what is missing is looked for again. */
    void open(Connection connection, boolean create) throws SQLException, SpoolException {
        SQLException refused = null;
        int version = MISSING;
        for (int attempt = 0; attempt < TRIES; attempt++) {
            version = version(connection);
            if (version == known) {
                return;
            }
            if (!create || version > UNKNOWN) {
                break;
            }
            try {
                create(connection);
            } catch (SQLException e) {
                if (!isRace(e)) {
                    throw e;
                }
                refused = e;
            }
        }
        if (version == MISSING && refused != null) {
            throw refused;
        }
        throw new SpoolException(complaint(version));
    }

    /** Another engine was making the tables at the same time: its result is looked at next. */
    private static boolean isRace(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("42") || state.startsWith("23") || SqlFaults.isRetriable(e);
    }

    private String complaint(int version) {
        String tables = "tables " + prefix + "*: ";
        if (version == MISSING) {
            return tables + "not found (run SpoolDialect." + dialect.name() + " schemaSql(\"" + prefix
                    + "\") or open with createSchema(true))";
        }
        if (version == UNKNOWN) {
            return tables + "schema version unknown, " + prefix
                    + "schema_version has no row (restore the tables, or use another table prefix)";
        }
        if (version > known) {
            return tables + "schema version " + version + " is newer than " + known
                    + ", which this library knows (use the library that made them, or a newer one)";
        }
        return tables + "schema version " + version + " is older than " + known
                + " and this library cannot lift it (open them once with the library that made them, drain, and drop)";
    }

    private int version(Connection connection) throws SQLException {
        boolean autoCommit = connection.getAutoCommit();
        if (!autoCommit) {
            connection.setAutoCommit(true);
        }
        int version = UNKNOWN;
        try (PreparedStatement statement = connection.prepareStatement(sql.version);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                version = Math.max(UNKNOWN, rows.getInt(1));
            }
        } catch (SQLException e) {
            if (!dialect.isMissingTable(e)) {
                throw e;
            }
            version = MISSING;
        } finally {
            if (!autoCommit) {
                connection.setAutoCommit(false);
            }
        }
        return version;
    }

    private void create(Connection connection) throws SQLException {
        boolean autoCommit = connection.getAutoCommit();
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            dialect.lockSchema(connection);
            for (String ddl : SpoolDialect.statements(dialect.script(VERSION, prefix))) {
                statement.execute(ddl);
            }
            connection.commit();
        } catch (Throwable e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(autoCommit);
        }
    }
}
