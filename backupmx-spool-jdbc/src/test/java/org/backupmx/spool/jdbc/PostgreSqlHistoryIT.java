package org.backupmx.spool.jdbc;

class PostgreSqlHistoryIT extends JdbcHistoryContract {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.postgreSql(4);
    }
}
