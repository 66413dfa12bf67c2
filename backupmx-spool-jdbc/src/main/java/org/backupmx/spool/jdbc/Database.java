package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import javax.sql.DataSource;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * Runs work on connections: one transaction each, always ended, the connection always given back, faults told in the
 * spool's words. Thread-safe.
 */
final class Database {

    /** Work of one transaction. It may run again after the database rolled it back, so it changes nothing else. */
    interface Work<T> {
        T on(Connection connection) throws SQLException, SpoolException;
    }

    /** When a transaction's outcome has to be durable. */
    enum Durable {
        /** When the call returns. */
        NOW,
        /** When whoever else uses the database sees it: a loss of power that takes it takes them along. */
        COMMITTED,
        /** A moment later, and at the latest when the spool is closed. */
        SOON
    }

    private static final int TRIES = 5;

    final Sql sql;
    final SpoolDialect dialect;
    private final DataSource dataSource;
    private final Health health;

    /** Read-held by every writing transaction; write-held to close, which so waits for those under way. */
    private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();

    private volatile boolean closed;

    private final AtomicLong commits = new AtomicLong();
    private final Object syncLock = new Object();
    private long synced;

    Database(DataSource dataSource, SpoolDialect dialect, Sql sql, Health health) {
        this.dataSource = dataSource;
        this.dialect = dialect;
        this.sql = sql;
        this.health = health;
    }

    void checkOpen() throws SpoolUnavailableException {
        if (closed) {
            throw new SpoolUnavailableException("the spool is closed");
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** Runs the last transaction, after those under way; later ones are refused. Does nothing the second time. */
    void close(Work<?> last) throws SpoolException {
        gate.writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            transact("close the spool", Durable.NOW, last, () -> {});
        } finally {
            gate.writeLock().unlock();
        }
    }

    /** Reads, statement by statement; what others commit in between is seen. */
    <T> T read(String what, Work<T> work) throws SpoolException {
        checkOpen();
        try (Connection connection = dataSource.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            if (!autoCommit) {
                connection.setAutoCommit(true);
            }
            T result;
            try {
                result = work.on(connection);
            } finally {
                if (!autoCommit) {
                    connection.setAutoCommit(false);
                }
            }
            health.succeeded(false);
            return result;
        } catch (SQLException e) {
            throw failed(what, e);
        }
    }

    <T> T write(String what, Durable durable, Work<T> work) throws SpoolException {
        return write(what, durable, work, () -> {});
    }

    /**
     * Runs one transaction.
     *
     * @param inDoubt run before the exception is thrown, when the transaction may have been committed all the same
     */
    <T> T write(String what, Durable durable, Work<T> work, Runnable inDoubt) throws SpoolException {
        gate.readLock().lock();
        try {
            checkOpen();
            return transact(what, durable, work, inDoubt);
        } finally {
            gate.readLock().unlock();
        }
    }

    private <T> T transact(String what, Durable durable, Work<T> work, Runnable inDoubt) throws SpoolException {
        for (int attempt = 1; ; attempt++) {
            try (Connection connection = dataSource.getConnection()) {
                T result = attempt(connection, durable, work, inDoubt);
                health.succeeded(durable == Durable.NOW);
                return result;
            } catch (SQLException e) {
                if (attempt == TRIES || !SqlFaults.isRetriable(e)) {
                    throw failed(what, e);
                }
            }
        }
    }

    private <T> T attempt(Connection connection, Durable durable, Work<T> work, Runnable inDoubt)
            throws SQLException, SpoolException {
        boolean autoCommit = connection.getAutoCommit();
        if (autoCommit) {
            connection.setAutoCommit(false);
        }
        T result;
        try {
            if (durable == Durable.SOON) {
                dialect.relax(connection);
            }
            result = work.on(connection);
        } catch (Throwable e) {
            rollBack(connection, autoCommit, e);
            throw e;
        }
        try {
            connection.commit();
            commits.incrementAndGet();
        } catch (Throwable e) {
            if (!(e instanceof SQLException sqlException && SqlFaults.isRefusedCommit(sqlException))) {
                inDoubt.run();
            }
            rollBack(connection, autoCommit, e);
            throw e;
        }
        try {
            if (autoCommit) {
                connection.setAutoCommit(true);
            }
            if (durable == Durable.NOW && dialect.syncsApart()) {
                sync(connection);
            }
        } catch (Throwable e) {
            inDoubt.run();
            throw e;
        }
        return result;
    }

    private static void rollBack(Connection connection, boolean autoCommit, Throwable cause) {
        try {
            connection.rollback();
            if (autoCommit) {
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /** Forces this thread's commit to disk, and with it all that came before it: one force serves many. */
    private void sync(Connection connection) throws SQLException {
        long mine = commits.get();
        synchronized (syncLock) {
            if (synced < mine) {
                long upTo = commits.get();
                dialect.sync(connection);
                synced = upTo;
            }
        }
    }

    private SpoolException failed(String what, SQLException e) {
        SpoolException translated = SqlFaults.translate(dialect, what, e);
        boolean full = translated instanceof SpoolFullException;
        if (full || translated instanceof SpoolUnavailableException) {
            health.failed(String.valueOf(translated.getMessage()), full);
        }
        return translated;
    }

    /** Prepares a statement and sets its parameters in order. */
    static PreparedStatement prepare(Connection connection, String sql, @Nullable Object... parameters)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            setFrom(statement, 1, parameters);
            return statement;
        } catch (Throwable e) {
            statement.close();
            throw e;
        }
    }

    /** Sets parameters in order, the first one at an index from 1. */
    static void setFrom(PreparedStatement statement, int index, @Nullable Object... parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(index + i, parameters[i]);
        }
    }

    static int update(Connection connection, String sql, @Nullable Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }
}
