package org.backupmx.spool;

import java.util.EnumSet;
import java.util.Set;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolModelContract;

class InMemorySpoolModelTest implements SpoolModelContract {

    @Override
    public Spool newSpool() {
        return InMemorySpool.create();
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return EnumSet.of(SpoolAbility.PERSISTENT);
    }

    @Override
    public Spool reopen(Spool closed) {
        return ((InMemorySpool) closed).another();
    }
}
