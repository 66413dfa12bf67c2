package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.backupmx.spool.testkit.HistoryStoreContract.all;
import static org.backupmx.spool.testkit.HistoryStoreContract.entries;
import static org.backupmx.spool.testkit.HistoryStoreContract.entry;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.history.jdbc.JdbcHistory;
import org.backupmx.spool.testkit.HistoryAbility;
import org.backupmx.spool.testkit.HistoryStoreContract;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The kit's rules, and those of tables, on one kind of database. */
abstract class JdbcHistoryContract implements HistoryStoreContract {

    private final Map<HistoryStore, TestDatabase> databases = new HashMap<>();
    private final List<TestDatabase> made = new ArrayList<>();

    abstract TestDatabase newDatabase();

    @AfterEach
    void everythingIsGivenBack() {
        for (TestDatabase database : made) {
            assertThat(database.dataSource.openConnections()).isZero();
            assertThat(database.dataSource.openStatements()).isZero();
            database.close();
        }
    }

    final TestDatabase make() {
        TestDatabase database = newDatabase();
        made.add(database);
        return database;
    }

    final HistoryStore open(TestDatabase database, int maxEntries) throws HistoryException {
        HistoryStore store = JdbcHistory.open(database.dataSource, database.prefix, maxEntries);
        databases.put(store, database);
        return store;
    }

    @Override
    public HistoryStore newHistory() throws HistoryException {
        return newHistory(JdbcHistory.DEFAULT_MAX_ENTRIES);
    }

    @Override
    public HistoryStore newHistory(int maxEntries) throws HistoryException {
        return open(make(), maxEntries);
    }

    @Override
    public Set<HistoryAbility> historyAbilities() {
        return EnumSet.allOf(HistoryAbility.class);
    }

    @Override
    public HistoryStore reopen(HistoryStore closed) throws HistoryException {
        return open(databases.get(closed), JdbcHistory.DEFAULT_MAX_ENTRIES);
    }

    @Override
    public HistoryStore share(HistoryStore open) throws HistoryException {
        return reopen(open);
    }

    @Override
    public HistoryStore kill(HistoryStore open) throws Exception {
        return reopen(open);
    }

    @Test
    void aFailedReplacementChangesNothing() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 3));
            databases
                    .get(store)
                    .execute(
                            "ALTER TABLE ${prefix}history_entry ADD CONSTRAINT ${prefix}c CHECK (entry_text <> 'refused')");
            assertThatExceptionOfType(HistoryException.class)
                    .isThrownBy(() -> store.replace("a", DAWN.plusSeconds(2), List.of(entry(0, "refused"))))
                    .withMessageStartingWith("the database cannot replace a part of \"a\": ");
            assertThat(all(store, "a")).isEqualTo(entries(0, 3));
            assertThatExceptionOfType(HistoryException.class)
                    .isThrownBy(() -> store.append("b", List.of(entry(0, "0"), entry(1, "refused"))));
            assertThat(store.series()).containsExactly("a");
        }
    }

    @Test
    void enginesMayOpenForTheFirstTimeAtOnce() throws Exception {
        TestDatabase database = make();
        int engines = 4;
        CyclicBarrier start = new CyclicBarrier(engines);
        ExecutorService workers = Executors.newFixedThreadPool(engines);
        try {
            List<Future<HistoryStore>> opening = new ArrayList<>();
            for (int i = 0; i < engines; i++) {
                opening.add(workers.submit(() -> {
                    start.await(30, TimeUnit.SECONDS);
                    HistoryStore store = JdbcHistory.open(database.dataSource, database.prefix);
                    store.append("a", entries(0, 1));
                    return store;
                }));
            }
            for (Future<HistoryStore> store : opening) {
                store.get(60, TimeUnit.SECONDS);
            }
            assertThat(all(opening.get(0).get(), "a")).hasSize(engines);
        } finally {
            workers.shutdownNow();
        }
    }

    @Test
    void badArgumentsAreTold() {
        DataSource none = make().dataSource;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JdbcHistory.open(none, "a-b"))
                .withMessage(
                        "tablePrefix: \"a-b\" (expected: a letter, then up to 29 letters, digits and underscores)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JdbcHistory.open(none, "a", 0))
                .withMessage("maxEntries: 0 (expected: 1 to 10000000)");
    }
}
