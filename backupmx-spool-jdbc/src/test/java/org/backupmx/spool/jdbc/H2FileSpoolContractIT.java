package org.backupmx.spool.jdbc;

import java.util.EnumSet;
import java.util.Set;
import org.backupmx.spool.Spool;
import org.backupmx.spool.testkit.SpoolAbility;

class H2FileSpoolContractIT extends JdbcSpoolContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.h2InFile(10);
    }

    @Override
    public Set<SpoolAbility> abilities() {
        Set<SpoolAbility> abilities = EnumSet.copyOf(super.abilities());
        abilities.add(SpoolAbility.CRASHABLE);
        return abilities;
    }

    @Override
    public Spool crash(Spool open) throws Exception {
        TestDatabase database = database(open);
        database.crashH2();
        return open(database);
    }
}
