package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolFixture;

/** Spools on one kind of database. */
abstract class JdbcSpoolFixture implements SpoolFixture {

    private final Map<Spool, TestDatabase> databases = new HashMap<>();
    private final List<TestDatabase> made = new ArrayList<>();

    abstract TestDatabase newDatabase();

    final void checkAndDrop() {
        for (TestDatabase database : made) {
            assertThat(database.dataSource.openConnections()).isZero();
            assertThat(database.dataSource.openStatements()).isZero();
            database.close();
        }
        made.clear();
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return EnumSet.of(
                SpoolAbility.PERSISTENT, SpoolAbility.SHAREABLE, SpoolAbility.DAMAGEABLE, SpoolAbility.COMMIT_FAULTS);
    }

    @Override
    public Spool newSpool() throws Exception {
        TestDatabase database = newDatabase();
        made.add(database);
        return open(database);
    }

    final TestDatabase database(Spool spool) {
        return databases.get(spool);
    }

    final Spool open(TestDatabase database) throws Exception {
        JdbcSpool spool = database.open();
        databases.put(spool, database);
        return spool;
    }

    @Override
    public Spool reopen(Spool closed) throws Exception {
        return open(database(closed));
    }

    @Override
    public Spool share(Spool open) throws Exception {
        return open(database(open));
    }

    @Override
    public void damage(Spool closed, SpoolId id) throws Exception {
        int changed = database(closed)
                .execute("UPDATE ${prefix}chunk SET mail_data = SUBSTRING(mail_data FROM 1 FOR 7) || "
                        + "SUBSTRING(mail_data FROM 9) || SUBSTRING(mail_data FROM 8 FOR 1) WHERE message_id = '" + id
                        + "'");
        assertThat(changed).isEqualTo(1);
    }

    @Override
    public void failNextCommit(Spool open) {
        database(open)
                .dataSource
                .failNext(FaultyDataSource.Moment.BEFORE_COMMIT, new SQLException("on demand", "58030"));
    }
}
