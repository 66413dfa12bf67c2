package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.testkit.SpoolActions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tables are made once, whoever comes first, and only those of a known version are used. */
class SchemaTest {

    TestDatabase database;

    TestDatabase newDatabase() {
        return TestDatabase.h2InMemory(8);
    }

    @BeforeEach
    void make() {
        database = newDatabase();
    }

    @AfterEach
    void everythingIsGivenBack() {
        assertThat(database.dataSource.openConnections()).isZero();
        assertThat(database.dataSource.openStatements()).isZero();
        database.close();
    }

    @Test
    void firstOpenMakesTheTablesAndTheNextFindsThem() throws Exception {
        try (JdbcSpool spool = database.open()) {
            SpoolActions.store(spool, "x@a.example");
        }
        try (JdbcSpool spool = database.builder().createSchema(false).open()) {
            assertThat(SpoolActions.scan(spool)).hasSize(1);
        }
        assertThat(database.count("SELECT version FROM ${prefix}schema_version"))
                .isEqualTo(Schema.VERSION);
    }

    @Test
    void usersMayMakeTheTables() throws Exception {
        assertThatThrownBy(() -> database.builder().createSchema(false).open())
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("not found (run")
                .hasMessageContaining("schemaSql(\"" + database.prefix + "\")");

        String script;
        try (Connection connection = database.dataSource.getConnection()) {
            script = SpoolDialect.of(connection).schemaSql(database.prefix);
        }
        for (String statement : SpoolDialect.statements(script)) {
            database.execute(statement);
        }
        try (JdbcSpool spool = database.builder().createSchema(false).open()) {
            SpoolActions.store(spool, "x@a.example");
        }
    }

    @Test
    void newerTablesAreRefused() throws Exception {
        database.open().close();
        database.execute("UPDATE ${prefix}schema_version SET version = 2");

        assertThatThrownBy(database::open)
                .isInstanceOf(SpoolException.class)
                .hasMessage(
                        "tables " + database.prefix + "*: schema version 2 is newer than 1, which this library knows"
                                + " (use the library that made them, or a newer one)");
    }

    @Test
    void olderTablesAreRefused() throws Exception {
        database.open().close();
        try (Connection connection = database.dataSource.getConnection()) {
            SpoolDialect dialect = SpoolDialect.of(connection);
            Schema next = new Schema(dialect, new Sql(database.prefix), database.prefix, 2);
            assertThatThrownBy(() -> next.open(connection, true))
                    .isInstanceOf(SpoolException.class)
                    .hasMessageContaining("schema version 1 is older than 2");
        }
    }

    @Test
    void tablesWithoutAVersionAreRefused() throws Exception {
        database.open().close();
        database.execute("DELETE FROM ${prefix}schema_version");

        assertThatThrownBy(() -> database.builder().createSchema(false).open())
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("schema version unknown");
    }

    @Test
    void enginesMayOpenForTheFirstTimeAtOnce() throws Exception {
        int engines = 6;
        CyclicBarrier start = new CyclicBarrier(engines);
        ExecutorService workers = Executors.newFixedThreadPool(engines);
        try {
            List<Future<JdbcSpool>> opening = new ArrayList<>();
            for (int i = 0; i < engines; i++) {
                opening.add(workers.submit(() -> {
                    start.await(30, TimeUnit.SECONDS);
                    return database.open();
                }));
            }
            for (Future<JdbcSpool> spool : opening) {
                SpoolActions.store(spool.get(60, TimeUnit.SECONDS), "x@a.example");
            }
            for (Future<JdbcSpool> spool : opening) {
                assertThat(SpoolActions.scan(spool.get())).hasSize(engines);
                spool.get().close();
            }
        } finally {
            workers.shutdownNow();
        }
    }

    @Test
    void prefixesAreSpoolsApart() throws Exception {
        try (JdbcSpool one = database.open();
                JdbcSpool other = database.builder()
                        .tablePrefix("Other_" + database.prefix.replaceAll("[^0-9]", ""))
                        .open()) {
            SpoolActions.store(one, "x@a.example");
            assertThat(SpoolActions.scan(other)).isEmpty();
        }
    }
}
