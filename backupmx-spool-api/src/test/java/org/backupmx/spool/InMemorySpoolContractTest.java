package org.backupmx.spool;

import java.util.EnumSet;
import java.util.Set;
import org.backupmx.spool.testkit.DeletableSpoolContract;
import org.backupmx.spool.testkit.FindableSpoolContract;
import org.backupmx.spool.testkit.HoldableSpoolContract;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.spool.testkit.OrderedSpoolContract;
import org.backupmx.spool.testkit.RecipientReadableSpoolContract;
import org.backupmx.spool.testkit.ReschedulableSpoolContract;
import org.backupmx.spool.testkit.ResettableSpoolContract;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolContract;

class InMemorySpoolContractTest
        implements SpoolContract,
                FindableSpoolContract,
                HoldableSpoolContract,
                DeletableSpoolContract,
                ReschedulableSpoolContract,
                RecipientReadableSpoolContract,
                ResettableSpoolContract,
                OrderedSpoolContract {

    @Override
    public Spool newSpool() {
        return InMemorySpool.create();
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return EnumSet.allOf(SpoolAbility.class);
    }

    @Override
    public Spool reopen(Spool closed) {
        return ((InMemorySpool) closed).another();
    }

    @Override
    public Spool crash(Spool open) {
        return ((InMemorySpool) open).crash();
    }

    @Override
    public Spool share(Spool open) {
        return ((InMemorySpool) open).another();
    }

    @Override
    public Spool newSpool(long capacityBytes) {
        return InMemorySpool.create(capacityBytes);
    }

    @Override
    public void damage(Spool closed, SpoolId id) {
        ((InMemorySpool) closed).damage(id);
    }

    @Override
    public void failNextCommit(Spool open) {
        ((InMemorySpool) open).failNext(InMemorySpool.Call.COMMIT, new SpoolException("on demand"));
    }
}
