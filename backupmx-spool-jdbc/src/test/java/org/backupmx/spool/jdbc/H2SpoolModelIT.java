package org.backupmx.spool.jdbc;

class H2SpoolModelIT extends JdbcSpoolModelContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.h2InMemory(3);
    }
}
