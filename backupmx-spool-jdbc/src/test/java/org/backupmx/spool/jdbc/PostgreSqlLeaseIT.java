package org.backupmx.spool.jdbc;

class PostgreSqlLeaseIT extends JdbcLeaseContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.postgreSql(8);
    }
}
