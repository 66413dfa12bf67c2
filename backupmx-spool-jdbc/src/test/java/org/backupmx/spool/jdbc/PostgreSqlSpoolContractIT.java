package org.backupmx.spool.jdbc;

class PostgreSqlSpoolContractIT extends JdbcSpoolContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.postgreSql(10);
    }
}
