package org.backupmx.spool.jdbc;

import net.jqwik.api.lifecycle.AfterTry;
import org.backupmx.spool.testkit.SpoolModelContract;

/** The kit's random histories on one kind of database. */
abstract class JdbcSpoolModelContract extends JdbcSpoolFixture implements SpoolModelContract {

    @AfterTry
    void everythingIsGivenBack() {
        checkAndDrop();
    }
}
