package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import org.backupmx.spool.SpoolException;
import org.junit.jupiter.api.Test;

class PostgreSqlSchemaIT extends SchemaTest {

    @Override
    TestDatabase newDatabase() {
        return TestDatabase.postgreSql(8);
    }

    @Test
    void commitsHaveToBeDurable() throws SQLException {
        database.execute("CREATE ROLE " + database.prefix + "hasty LOGIN SUPERUSER");
        database.execute("ALTER ROLE " + database.prefix + "hasty SET synchronous_commit = off");
        assertThatThrownBy(() -> JdbcSpool.builder(TestDatabase.postgreSqlAs(database.prefix + "hasty"))
                        .open())
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("synchronous_commit is off");
    }
}
