package org.backupmx.spool.jdbc;

class PostgreSqlSpoolModelIT extends JdbcSpoolModelContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.postgreSql(3);
    }
}
