package org.backupmx.spool.jdbc;

import java.io.InputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.jspecify.annotations.Nullable;

/** Mail data in pieces, each checked by its CRC32C when it is read. Thread-safe. */
final class ChunkTable {

    private final Database database;
    private final Sql sql;

    ChunkTable(Database database) {
        this.database = database;
        this.sql = database.sql;
    }

    void insert(Connection c, SpoolId id, int number, byte[] bytes) throws SQLException {
        Database.update(c, sql.insertChunk, id.value(), number, crc(bytes), bytes);
    }

    /** Opens mail data. No connection is held between two reads of the stream. */
    InputStream open(SpoolId id) throws SpoolException {
        Optional<InputStream> first = database.read("read mail data", c -> {
            try (PreparedStatement statement = Database.prepare(c, sql.firstChunk, id.value());
                    ResultSet rows = statement.executeQuery()) {
                if (!rows.next()) {
                    return Optional.empty();
                }
                int count = rows.getInt(2);
                byte[] bytes = count == 0 ? new byte[0] : checked(id, 0, rows.getLong(3), rows.getBytes(4));
                return Optional.of(new ChunkInputStream(this, id, rows.getLong(1), count, bytes));
            }
        });
        return first.orElseThrow(() -> gone(id));
    }

    byte[] read(SpoolId id, int number) throws SpoolException {
        return database.read("read mail data", c -> {
            try (PreparedStatement statement = Database.prepare(c, sql.chunk, id.value(), number);
                    ResultSet rows = statement.executeQuery()) {
                if (rows.next()) {
                    return checked(id, number, rows.getLong(1), rows.getBytes(2));
                }
            }
            try (PreparedStatement statement = Database.prepare(c, sql.firstChunk, id.value());
                    ResultSet rows = statement.executeQuery()) {
                throw rows.next()
                        ? new SpoolDamagedException("message " + id + ": chunk " + number + " is missing")
                        : gone(id);
            }
        });
    }

    private static byte[] checked(SpoolId id, int number, long crc, byte @Nullable [] bytes)
            throws SpoolDamagedException {
        if (bytes == null) {
            throw new SpoolDamagedException("message " + id + ": chunk " + number + " is missing");
        }
        if (crc(bytes) != crc) {
            throw new SpoolDamagedException(
                    "message " + id + ": chunk " + number + " has CRC32C " + crc(bytes) + " (expected: " + crc + ")");
        }
        return bytes;
    }

    private static SpoolException gone(SpoolId id) {
        return new SpoolException("message " + id + " is not queued");
    }

    private static long crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length);
        return crc.getValue();
    }
}
