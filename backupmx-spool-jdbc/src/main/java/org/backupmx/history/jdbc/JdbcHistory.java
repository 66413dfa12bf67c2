package org.backupmx.history.jdbc;

import static java.util.Objects.requireNonNull;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;

/**
 * Histories in two tables of a database, H2 (2.2 or later) or PostgreSQL (11 or later): {@code
 * PREFIXhistory_series} and {@code PREFIXhistory_entry}. Each call is one transaction on a connection of its own;
 * appending, too, is as durable as the database's commits are. Several stores may share the tables. Thread-safe.
 *
 * <p>A series holds {@link #DEFAULT_MAX_ENTRIES} entries unless said otherwise.
 */
public final class JdbcHistory implements HistoryStore {

    /** The most entries of a series unless said otherwise: {@value}. */
    public static final int DEFAULT_MAX_ENTRIES = 100_000;

    private static final int MOST_ENTRIES = 10_000_000;
    private static final int TRIES = 5;
    private static final Pattern PREFIX = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,29}");

    private final DataSource dataSource;
    private final HistoryDatabase database;
    private final String entries;
    private final String serieses;
    private final int maxEntries;

    /** Read-held by every call; write-held to close, which so waits for those under way. */
    private final ReadWriteLock gate = new ReentrantReadWriteLock();

    private boolean closed;

    private JdbcHistory(DataSource dataSource, HistoryDatabase database, String prefix, int maxEntries) {
        this.dataSource = dataSource;
        this.database = database;
        this.entries = prefix + "history_entry";
        this.serieses = prefix + "history_series";
        this.maxEntries = maxEntries;
    }

    /**
     * Opens the histories in a database, with {@link #DEFAULT_MAX_ENTRIES}.
     *
     * @param dataSource where connections come from; it is used until the store is closed, and never closed by it
     * @param tablePrefix what the tables' names begin with: a letter, then up to 29 letters, digits and underscores. It
     *     may be that of a spool
     * @return an open store
     * @throws IllegalArgumentException if the prefix has another form
     * @throws HistoryException if the database cannot be used
     */
    public static JdbcHistory open(DataSource dataSource, String tablePrefix) throws HistoryException {
        return open(dataSource, tablePrefix, DEFAULT_MAX_ENTRIES);
    }

    /**
     * Opens the histories in a database, and makes their tables if they are missing.
     *
     * @param dataSource where connections come from; it is used until the store is closed, and never closed by it
     * @param tablePrefix what the tables' names begin with: a letter, then up to 29 letters, digits and underscores. It
     *     may be that of a spool
     * @param maxEntries the most entries of a series, 1 to 10,000,000; the ones appended first go
     * @return an open store
     * @throws IllegalArgumentException if the prefix has another form or {@code maxEntries} is out of range
     * @throws HistoryException if the database cannot be used
     */
    public static JdbcHistory open(DataSource dataSource, String tablePrefix, int maxEntries) throws HistoryException {
        requireNonNull(dataSource, "dataSource");
        if (!PREFIX.matcher(tablePrefix).matches()) {
            throw new IllegalArgumentException("tablePrefix: \"" + tablePrefix
                    + "\" (expected: a letter, then up to 29 letters, digits and underscores)");
        }
        if (maxEntries < 1 || maxEntries > MOST_ENTRIES) {
            throw new IllegalArgumentException("maxEntries: " + maxEntries + " (expected: 1 to " + MOST_ENTRIES + ")");
        }
        HistoryDatabase database;
        try (Connection connection = dataSource.getConnection()) {
            database = HistoryDatabase.of(connection);
        } catch (SQLException e) {
            throw new HistoryException("the database cannot open the history: " + e.getMessage(), e);
        }
        JdbcHistory history = new JdbcHistory(dataSource, database, tablePrefix, maxEntries);
        history.transact("make the history's tables", true, connection -> {
            try (Statement statement = connection.createStatement()) {
                database.lockSchema(statement);
                for (String ddl : database.schema(tablePrefix)) {
                    statement.execute(ddl);
                }
            }
            return true;
        });
        return history;
    }

    /** The work of one transaction. It may run again after the database rolled it back. */
    private interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    private <T> T transact(String what, boolean durable, Work<T> work) throws HistoryException {
        gate.readLock().lock();
        try {
            if (closed) {
                throw new HistoryException("the history is closed");
            }
            for (int attempt = 1; ; attempt++) {
                try (Connection connection = dataSource.getConnection()) {
                    return attempt(connection, durable, work);
                } catch (SQLException e) {
                    if (attempt == TRIES || !isRetriable(e)) {
                        throw new HistoryException("the database cannot " + what + ": " + e.getMessage(), e);
                    }
                }
            }
        } finally {
            gate.readLock().unlock();
        }
    }

    private <T> T attempt(Connection connection, boolean durable, Work<T> work) throws SQLException {
        boolean autoCommit = connection.getAutoCommit();
        connection.setAutoCommit(false);
        try {
            T result = work.on(connection);
            connection.commit();
            if (durable) {
                sync(connection);
            }
            return result;
        } catch (Throwable e) {
            rollBack(connection, e);
            throw e;
        } finally {
            connection.setAutoCommit(autoCommit);
        }
    }

    private void sync(Connection connection) throws SQLException {
        try {
            database.sync(connection);
        } catch (SQLException e) {
            // without the state, for which the transaction would be tried again
            throw new SQLException("committed and perhaps not on disk: " + e.getMessage(), e);
        }
    }

    private static void rollBack(Connection connection, Throwable cause) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /** Rolled back for the sake of others: serialization, deadlock, H2's lock and concurrent update, a series made twice. */
    private static boolean isRetriable(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.equals("40001")
                || state.equals("40P01")
                || state.equals("HYT00")
                || state.equals("90131")
                || state.startsWith("23");
    }

    private static PreparedStatement prepare(Connection connection, String sql, Object... parameters)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            return statement;
        } catch (Throwable e) {
            statement.close();
            throw e;
        }
    }

    private static int update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }

    @Override
    public void append(String series, List<HistoryEntry> appended) throws HistoryException {
        HistoryStore.checkSeries(series);
        List<HistoryEntry> copy = List.copyOf(appended);
        if (copy.isEmpty()) {
            transact("append", false, connection -> true);
            return;
        }
        transact("append to \"" + series + "\"", true, connection -> {
            long last = lock(connection, series).orElse(0);
            insert(connection, series, last + 1, copy);
            return end(connection, series, last + copy.size());
        });
    }

    /** Returns the last number given in a series, which nobody else changes until the transaction ends. */
    private OptionalLong lock(Connection connection, String series) throws SQLException {
        String sql = "SELECT last_no FROM " + serieses + " WHERE series = ? FOR UPDATE";
        try (PreparedStatement statement = prepare(connection, sql, series);
                ResultSet rows = statement.executeQuery()) {
            if (rows.next()) {
                return OptionalLong.of(rows.getLong(1));
            }
        }
        // who makes it at the same time waits here, and tries again
        update(connection, "INSERT INTO " + serieses + " (series, last_no) VALUES (?, ?)", series, 0L);
        return OptionalLong.empty();
    }

    private void insert(Connection connection, String series, long first, List<HistoryEntry> added)
            throws SQLException {
        String sql = "INSERT INTO " + entries + " (series, entry_no, at_millis, entry_text) VALUES (?, ?, ?, ?)";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            List<HistoryEntry> kept = added.subList(Math.max(0, added.size() - maxEntries), added.size());
            long number = first + added.size() - kept.size();
            int batched = 0;
            for (HistoryEntry entry : kept) {
                statement.setString(1, series);
                statement.setLong(2, number++);
                statement.setLong(3, entry.at().toEpochMilli());
                statement.setString(4, entry.text());
                statement.addBatch();
                if (++batched % 1_000 == 0) {
                    statement.executeBatch();
                }
            }
            statement.executeBatch();
        }
    }

    /** Notes the last number, and drops what is too much or a series without entries. */
    private boolean end(Connection connection, String series, long last) throws SQLException {
        update(connection, "UPDATE " + serieses + " SET last_no = ? WHERE series = ?", last, series);
        update(
                connection,
                "DELETE FROM " + entries + " WHERE series = ? AND entry_no <= (SELECT MAX(entry_no) FROM ("
                        + "SELECT entry_no FROM " + entries + " WHERE series = ? ORDER BY entry_no DESC LIMIT 1 OFFSET "
                        + maxEntries + ") AS over)",
                series,
                series);
        String empty = "DELETE FROM " + serieses + " WHERE series = ? AND NOT EXISTS (SELECT 1 FROM " + entries
                + " WHERE series = ?)";
        return update(connection, empty, series, series) == 1;
    }

    @Override
    public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
        HistoryStore.checkSeries(series);
        requireNonNull(from, "from");
        requireNonNull(to, "to");
        return transact("read \"" + series + "\"", false, connection -> read(connection, series, from, to));
    }

    private List<HistoryEntry> read(Connection connection, String series, Instant from, Instant to)
            throws SQLException {
        String sql = "SELECT at_millis, entry_text FROM " + entries + " WHERE series = ? ORDER BY entry_no";
        List<HistoryEntry> read = new ArrayList<>();
        try (PreparedStatement statement = prepare(connection, sql, series);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                HistoryEntry entry = entry(rows);
                if (!entry.at().isBefore(from) && entry.at().isBefore(to)) {
                    read.add(entry);
                }
            }
        }
        return List.copyOf(read);
    }

    private static HistoryEntry entry(ResultSet rows) throws SQLException {
        return new HistoryEntry(Instant.ofEpochMilli(rows.getLong(1)), rows.getString(2));
    }

    @Override
    public Optional<HistoryEntry> last(String series) throws HistoryException {
        HistoryStore.checkSeries(series);
        String sql =
                "SELECT at_millis, entry_text FROM " + entries + " WHERE series = ? ORDER BY entry_no DESC LIMIT 1";
        return transact("read \"" + series + "\"", false, connection -> {
            try (PreparedStatement statement = prepare(connection, sql, series);
                    ResultSet rows = statement.executeQuery()) {
                return rows.next() ? Optional.of(entry(rows)) : Optional.empty();
            }
        });
    }

    @Override
    public void replace(String series, Instant before, List<HistoryEntry> replacement) throws HistoryException {
        HistoryStore.checkSeries(series);
        List<HistoryEntry> next = HistoryStore.checkReplacement(before, replacement);
        transact("replace a part of \"" + series + "\"", true, connection -> {
            long last = lock(connection, series).orElse(0);
            List<HistoryEntry> all = new ArrayList<>(next);
            all.addAll(read(connection, series, before, Instant.MAX));
            update(connection, "DELETE FROM " + entries + " WHERE series = ?", series);
            insert(connection, series, last + 1, all);
            return end(connection, series, last + all.size());
        });
    }

    @Override
    public Set<String> series() throws HistoryException {
        String sql = "SELECT series FROM " + serieses;
        return transact("list the series", false, connection -> {
            Set<String> names = new HashSet<>();
            try (PreparedStatement statement = prepare(connection, sql);
                    ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    names.add(rows.getString(1));
                }
            }
            return Set.copyOf(names);
        });
    }

    @Override
    public void remove(String series) throws HistoryException {
        HistoryStore.checkSeries(series);
        transact("remove \"" + series + "\"", true, connection -> {
            lock(connection, series);
            update(connection, "DELETE FROM " + entries + " WHERE series = ?", series);
            return update(connection, "DELETE FROM " + serieses + " WHERE series = ?", series);
        });
    }

    /** Waits for calls under way; later ones are refused. The data source stays open. */
    @Override
    public void close() {
        gate.writeLock().lock();
        try {
            closed = true;
        } finally {
            gate.writeLock().unlock();
        }
    }
}
