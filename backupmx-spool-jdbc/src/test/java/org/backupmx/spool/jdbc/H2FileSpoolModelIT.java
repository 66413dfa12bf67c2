package org.backupmx.spool.jdbc;

class H2FileSpoolModelIT extends JdbcSpoolModelContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.h2InFile(3);
    }
}
