package org.backupmx.spool.jdbc;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.backupmx.spool.SpoolException;

/**
 * What one database engine does its own way. Immutable and thread-safe.
 */
public abstract sealed class SpoolDialect permits H2Dialect, PostgreSqlDialect {

    private static final Pattern PREFIX = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,29}");
    private static final Set<String> MISSING_TABLE = Set.of("42P01", "42S02", "42S03", "42S04");

    SpoolDialect() {}

    /**
     * Returns the dialect of H2, 2.2 or later.
     *
     * <p>H2 forces nothing to disk when it commits, so the spool says {@code CHECKPOINT SYNC} after a commit, one for
     * all that were committed meanwhile; the database user has to be an H2 administrator for that. A database in memory
     * ({@code jdbc:h2:mem:}) keeps nothing.
     *
     * @return the dialect
     */
    public static SpoolDialect h2() {
        return H2Dialect.INSTANCE;
    }

    /**
     * Returns the dialect of PostgreSQL, 11 or later.
     *
     * <p>{@code synchronous_commit} and {@code fsync} have to be on for the spool's connections; opening checks that.
     *
     * @return the dialect
     */
    public static SpoolDialect postgreSql() {
        return PostgreSqlDialect.INSTANCE;
    }

    static SpoolDialect of(Connection connection) throws SQLException, SpoolException {
        String product = connection.getMetaData().getDatabaseProductName();
        return switch (product) {
            case "H2" -> h2();
            case "PostgreSQL" -> postgreSql();
            default ->
                throw new SpoolException(
                        "database: " + product + " (expected: H2 or PostgreSQL, or a dialect given to the builder)");
        };
    }

    /**
     * Returns the statements that make the spool's tables, for those who run them with their own tool.
     *
     * @param tablePrefix what the tables' names begin with, as in {@link JdbcSpoolBuilder#tablePrefix}
     * @return an SQL script, each statement ended by a semicolon
     * @throws IllegalArgumentException if the prefix is not as expected there
     */
    public String schemaSql(String tablePrefix) {
        return script(1, checkPrefix(tablePrefix));
    }

    /**
     * Returns the engine's name.
     *
     * @return {@code h2} or {@code postgresql}
     */
    public abstract String name();

    @Override
    public String toString() {
        return name();
    }

    /** Refuses a database on which a commit would not be durable. */
    abstract void checkDurability(Connection connection) throws SQLException, SpoolException;

    /** Lets one open at a time make the tables: takes a lock that ends with the transaction, where there is one. */
    abstract void lockSchema(Connection connection) throws SQLException;

    /** Lets the transaction just begun become durable a moment after its commit, where that is a choice. */
    abstract void relax(Connection connection) throws SQLException;

    /** Tells whether a commit is durable only after {@link #sync}. */
    abstract boolean syncsApart();

    /** Forces to disk what was committed. */
    abstract void sync(Connection connection) throws SQLException;

    /**
     * Tells whether a query that locks follows an index's order, and locks no row beyond its limit. Else what is to be
     * locked has to be picked before.
     */
    abstract boolean locksInOrder();

    /** Tells whether an error says that there is no room. */
    abstract boolean isFull(SQLException e);

    boolean isMissingTable(SQLException e) {
        return MISSING_TABLE.contains(String.valueOf(e.getSQLState()));
    }

    static String checkPrefix(String prefix) {
        if (!PREFIX.matcher(requireNonNull(prefix, "tablePrefix")).matches()) {
            throw new IllegalArgumentException("tablePrefix: \"" + prefix
                    + "\" (expected: a letter, then up to 29 letters, digits and underscores)");
        }
        return prefix;
    }

    String script(int version, String prefix) {
        String path = "schema/" + name() + "/V" + version + ".sql";
        try (InputStream in = SpoolDialect.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException("resource: " + path + " (expected: in the library's jar)");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("${prefix}", prefix);
        } catch (IOException e) {
            throw new UncheckedIOException(path, e);
        }
    }

    /** Splits one of our own scripts: comments have lines of their own, statements end at a line's end. */
    static List<String> statements(String script) {
        return Pattern.compile(";\\s*\\R|;\\s*$")
                .splitAsStream(script.replaceAll("(?m)^--.*$", ""))
                .map(String::strip)
                .filter(statement -> !statement.isEmpty())
                .toList();
    }
}
