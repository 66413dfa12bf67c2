package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.HistoryStoreContract.all;
import static org.backupmx.spool.testkit.HistoryStoreContract.entries;
import static org.backupmx.spool.testkit.HistoryStoreContract.entry;

import org.backupmx.history.HistoryStore;
import org.backupmx.history.jdbc.JdbcHistory;
import org.junit.jupiter.api.Test;

class H2HistoryIT extends JdbcHistoryContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.h2InMemory(4);
    }

    @Test
    void whatWasAppendedOrReplacedOutlivesALossOfPower() throws Exception {
        try (TestDatabase database = TestDatabase.h2InFile(4)) {
            HistoryStore store = open(database, JdbcHistory.DEFAULT_MAX_ENTRIES);
            store.append("a", entries(0, 3));
            store.append("b", entries(0, 3));
            store.replace("b", DAWN.plusSeconds(2), entries(0, 1));
            database.crashH2();
            try (HistoryStore again = open(database, JdbcHistory.DEFAULT_MAX_ENTRIES)) {
                assertThat(all(again, "a")).isEqualTo(entries(0, 3));
                assertThat(all(again, "b")).containsExactly(entry(0, "0"), entry(2, "2"));
            }
        }
    }
}
