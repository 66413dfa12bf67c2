package org.backupmx.spool.jdbc;

import org.backupmx.spool.testkit.DeletableSpoolContract;
import org.backupmx.spool.testkit.FindableSpoolContract;
import org.backupmx.spool.testkit.HoldableSpoolContract;
import org.backupmx.spool.testkit.OrderedSpoolContract;
import org.backupmx.spool.testkit.RecipientReadableSpoolContract;
import org.backupmx.spool.testkit.ReschedulableSpoolContract;
import org.backupmx.spool.testkit.ResettableSpoolContract;
import org.backupmx.spool.testkit.SpoolContract;
import org.junit.jupiter.api.AfterEach;

/** The kit's rules on one kind of database. */
abstract class JdbcSpoolContract extends JdbcSpoolFixture
        implements SpoolContract,
                FindableSpoolContract,
                HoldableSpoolContract,
                DeletableSpoolContract,
                ReschedulableSpoolContract,
                RecipientReadableSpoolContract,
                ResettableSpoolContract,
                OrderedSpoolContract {

    @AfterEach
    void everythingIsGivenBack() {
        checkAndDrop();
    }
}
