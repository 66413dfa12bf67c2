package org.backupmx.spool.jdbc;

class H2LeaseTest extends JdbcLeaseContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.h2InMemory(8);
    }
}
