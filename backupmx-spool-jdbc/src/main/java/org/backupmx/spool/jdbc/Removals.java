package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.backupmx.spool.SpoolException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes messages out. Large mail data goes piece by piece behind the transaction that decides, so that no transaction is
 * as large as a message. Until it is gone it stands below a condemned row: not committed and begun at instant 0, which
 * nobody can commit and every sweep finds. Thread-safe.
 */
final class Removals {

    private static final Logger LOG = LoggerFactory.getLogger(Removals.class);

    /** So much mail data one transaction removes; one chunk if that is more. */
    static final int AT_ONCE_BYTES = 4 * 1024 * 1024;

    /** What is gone when the transaction has ended. */
    enum Removed {
        NOTHING,
        ALL,
        ALL_BUT_MAIL_DATA
    }

    private final Database database;
    private final Sql sql;
    private final int chunksAtOnce;

    Removals(Database database, int chunkBytes) {
        this.database = database;
        this.sql = database.sql;
        this.chunksAtOnce = Math.max(1, AT_ONCE_BYTES / chunkBytes);
    }

    /** Removes a committed message. What is {@link Removed#ALL_BUT_MAIL_DATA} is to be cleared afterwards. */
    Removed remove(Connection c, String id) throws SQLException {
        if (Database.update(c, sql.deleteMessage, id, AT_ONCE_BYTES) > 0) {
            return Removed.ALL;
        }
        if (Database.update(c, sql.condemnCommitted, id) == 0) {
            return Removed.NOTHING;
        }
        Database.update(c, sql.deleteLanes, id);
        Database.update(c, sql.deleteRecipients, id);
        return Removed.ALL_BUT_MAIL_DATA;
    }

    /** Takes the right to commit a message from its writer. What is condemned is to be cleared afterwards. */
    void condemn(Connection c, String id) throws SQLException {
        Database.update(c, sql.condemnUncommitted, id);
    }

    /** Removes what is left of a condemned message. Fails silently but for the log: a sweep comes after it. */
    void clear(String id) {
        try {
            int last = database.read("remove mail data", c -> lastChunk(c, id));
            while (last >= chunksAtOnce) {
                last -= chunksAtOnce;
                int kept = last;
                database.write(
                        "remove mail data",
                        Database.Durable.SOON,
                        c -> Database.update(c, sql.deleteChunksAfter, id, kept));
            }
            database.write("remove mail data", Database.Durable.SOON, c -> Database.update(c, sql.deleteCondemned, id));
        } catch (SpoolException e) {
            LOG.atDebug().addKeyValue("spoolId", id).setCause(e).log("mail data not removed yet");
        }
    }

    private int lastChunk(Connection c, String id) throws SQLException {
        try (PreparedStatement statement = Database.prepare(c, sql.lastChunk, id);
                ResultSet rows = statement.executeQuery()) {
            return rows.next() ? rows.getInt(1) : 0;
        }
    }
}
