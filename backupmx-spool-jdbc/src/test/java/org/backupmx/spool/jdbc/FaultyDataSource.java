package org.backupmx.spool.jdbc;

import java.io.PrintWriter;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** A data source that fails on demand, counts what is open and how large the octets are that pass. */
final class FaultyDataSource implements DataSource {

    /** Where a fault may strike. */
    enum Moment {
        CONNECT,
        EXECUTE,
        BEFORE_COMMIT,
        AFTER_COMMIT
    }

    /** Throws what goes wrong at a moment, or nothing. */
    interface Fault {
        void at(Moment moment, String sql) throws SQLException;
    }

    static final Fault NONE = (moment, sql) -> {};

    private final DataSource real;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger mostConnections = new AtomicInteger();
    private final AtomicInteger statements = new AtomicInteger();
    private final AtomicInteger executions = new AtomicInteger();
    private final AtomicInteger largest = new AtomicInteger();
    private volatile Fault fault = NONE;

    FaultyDataSource(DataSource real) {
        this.real = real;
    }

    void fault(Fault value) {
        fault = value;
    }

    /** Makes the next moment of a kind fail, once. */
    void failNext(Moment moment, SQLException e) {
        fault = (at, sql) -> {
            if (at == moment) {
                fault = NONE;
                throw e;
            }
        };
    }

    int openConnections() {
        return connections.get();
    }

    int mostConnections() {
        return mostConnections.get();
    }

    int openStatements() {
        return statements.get();
    }

    int executions() {
        return executions.get();
    }

    int largestOctets() {
        return largest.get();
    }

    @Override
    public Connection getConnection() throws SQLException {
        fault.at(Moment.CONNECT, "");
        Connection connection = real.getConnection();
        mostConnections.accumulateAndGet(connections.incrementAndGet(), Math::max);
        return proxy(Connection.class, new Handler(connection, connections) {
            @Override
            Object invoke(Method method, Object[] args) throws Throwable {
                if (method.getName().equals("commit")) {
                    fault.at(Moment.BEFORE_COMMIT, "");
                    Object result = call(method, args);
                    fault.at(Moment.AFTER_COMMIT, "");
                    return result;
                }
                Object result = call(method, args);
                if (result instanceof Statement statement) {
                    statements.incrementAndGet();
                    Class<? extends Statement> type =
                            statement instanceof PreparedStatement ? PreparedStatement.class : Statement.class;
                    String sql = args == null ? "" : String.valueOf(args[0]);
                    return proxy(type, new StatementHandler(statement, sql));
                }
                return result;
            }
        });
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(FaultyDataSource.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    /** Counts its target out when it is closed. */
    private abstract static class Handler implements InvocationHandler {
        private final AutoCloseable target;
        private final AtomicInteger open;
        private boolean closed;

        Handler(AutoCloseable target, AtomicInteger open) {
            this.target = target;
            this.open = open;
        }

        abstract Object invoke(Method method, Object[] args) throws Throwable;

        final Object call(Method method, Object[] args) throws Throwable {
            try {
                return method.invoke(target, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }

        @Override
        public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
            if (method.getName().equals("close") && !closed) {
                closed = true;
                open.decrementAndGet();
            }
            return invoke(method, args);
        }
    }

    private final class StatementHandler extends Handler {
        private final String sql;

        StatementHandler(Statement statement, String sql) {
            super(statement, statements);
            this.sql = sql;
        }

        @Override
        Object invoke(Method method, Object[] args) throws Throwable {
            if (method.getName().startsWith("execute")) {
                executions.incrementAndGet();
                fault.at(Moment.EXECUTE, args == null ? sql : String.valueOf(args[0]));
            }
            if (args != null && args.length == 2 && args[1] instanceof byte[] octets) {
                largest.accumulateAndGet(octets.length, Math::max);
            }
            return call(method, args);
        }
    }

    @Override
    public Connection getConnection(String username, String password) throws SQLException {
        return getConnection();
    }

    @Override
    public PrintWriter getLogWriter() throws SQLException {
        return real.getLogWriter();
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        real.setLogWriter(out);
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        real.setLoginTimeout(seconds);
    }

    @Override
    public int getLoginTimeout() throws SQLException {
        return real.getLoginTimeout();
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getGlobal();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        return real.unwrap(type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        return real.isWrapperFor(type);
    }
}
