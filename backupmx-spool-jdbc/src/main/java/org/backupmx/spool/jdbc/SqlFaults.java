package org.backupmx.spool.jdbc;

import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientException;
import java.util.Set;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolUnavailableException;

/** What an {@link SQLException} means to a spool. */
final class SqlFaults {

    /** H2: timed out, closed, closed by shutdown, connection broken. They are states, too, since H2 makes them so. */
    private static final Set<String> H2_GONE = Set.of("HYT00", "90007", "90067", "90098", "90121", "90131");

    private static final String COMPLETION_UNKNOWN = "40003";

    private SqlFaults() {}

    static SpoolException translate(SpoolDialect dialect, String what, SQLException e) {
        if (dialect.isFull(e)) {
            return new SpoolFullException("the database has no room to " + what, e);
        }
        if (isConnection(e) || e instanceof SQLTransientException || inClass(e, "40", "53", "55", "57")) {
            return new SpoolUnavailableException("the database cannot " + what + " now", e);
        }
        return new SpoolException("the database failed to " + what, e);
    }

    private static boolean isConnection(SQLException e) {
        return e instanceof SQLNonTransientConnectionException
                || e instanceof SQLRecoverableException
                || inClass(e, "08")
                || H2_GONE.contains(String.valueOf(e.getSQLState()));
    }

    /** Tells whether the database rolled back for the sake of others, so that the transaction may be tried again. */
    static boolean isRetriable(SQLException e) {
        return (inClass(e, "40") && !COMPLETION_UNKNOWN.equals(e.getSQLState())) || "90131".equals(e.getSQLState());
    }

    /** Tells whether a commit that ended so has certainly not happened: the database refused it and said why. */
    static boolean isRefusedCommit(SQLException e) {
        return isRetriable(e) || inClass(e, "23");
    }

    private static boolean inClass(SQLException e, String... classes) {
        String state = e.getSQLState();
        for (String c : classes) {
            if (state != null && state.startsWith(c)) {
                return true;
            }
        }
        return false;
    }
}
