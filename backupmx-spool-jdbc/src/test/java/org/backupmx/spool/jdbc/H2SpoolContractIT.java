package org.backupmx.spool.jdbc;

class H2SpoolContractIT extends JdbcSpoolContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.h2InMemory(10);
    }
}
