package org.backupmx.spool.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;

/**
 * Counts the rows that H2 reads for the queries of a data source: each is run by {@code EXPLAIN ANALYZE} with its
 * parameters, in its transaction, before it is run.
 */
final class H2Scans {

    private static final Pattern SCANS = Pattern.compile("scanCount: (\\d+)");

    private final AtomicLong rows = new AtomicLong();

    /** Returns the rows read since the last call. */
    long take() {
        return rows.getAndSet(0);
    }

    DataSource on(DataSource real) {
        return proxy(DataSource.class, (method, args) -> {
            Object result = call(real, method, args);
            return result instanceof Connection connection ? counted(connection) : result;
        });
    }

    private Connection counted(Connection real) {
        return proxy(Connection.class, (method, args) -> {
            Object result = call(real, method, args);
            return result instanceof PreparedStatement statement
                    ? counted(real, statement, String.valueOf(args[0]))
                    : result;
        });
    }

    private PreparedStatement counted(Connection connection, PreparedStatement real, String sql) {
        Map<Integer, Object> parameters = new TreeMap<>();
        return proxy(PreparedStatement.class, (method, args) -> {
            if (method.getName().equals("setObject")) {
                parameters.put((Integer) args[0], args[1]);
            } else if (method.getName().equals("executeQuery")) {
                count(connection, sql, parameters);
            }
            return call(real, method, args);
        });
    }

    private void count(Connection connection, String sql, Map<Integer, Object> parameters) throws SQLException {
        try (PreparedStatement explain = connection.prepareStatement("EXPLAIN ANALYZE " + sql)) {
            for (Map.Entry<Integer, Object> parameter : parameters.entrySet()) {
                explain.setObject(parameter.getKey(), parameter.getValue());
            }
            try (ResultSet plan = explain.executeQuery()) {
                plan.next();
                Matcher scans = SCANS.matcher(plan.getString(1));
                while (scans.find()) {
                    rows.addAndGet(Long.parseLong(scans.group(1)));
                }
            }
        }
    }

    private interface Call {
        Object invoke(Method method, Object[] args) throws Throwable;
    }

    private static Object call(Object target, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, Call call) {
        return type.cast(Proxy.newProxyInstance(
                H2Scans.class.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, args) -> call.invoke(method, args)));
    }
}
