package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.backupmx.spool.SpoolException;
import org.junit.jupiter.api.Test;

class JdbcSpoolBuilderTest {

    @Test
    void badValuesAreNamed() {
        try (TestDatabase database = TestDatabase.h2InMemory(1)) {
            JdbcSpoolBuilder builder = JdbcSpool.builder(database.dataSource);
            assertBad(() -> builder.chunkBytes(4095), "chunkBytes: 4095 (expected: 4096 to 16777216)");
            assertBad(() -> builder.chunkBytes(16777217), "chunkBytes: 16777217 (expected: 4096 to 16777216)");
            assertBad(
                    () -> builder.tablePrefix("a;b"),
                    "tablePrefix: \"a;b\" (expected: a letter, then up to 29 letters, digits and underscores)");
            assertBad(
                    () -> builder.abandonedAfter(Duration.ofSeconds(59)),
                    "abandonedAfter: PT59S (expected: PT1M to PT720H)");
            assertBad(
                    () -> builder.refuseFor(Duration.ofNanos(-1)),
                    "refuseFor: PT-0.000000001S (expected: PT0S to PT1H)");
        }
    }

    private static void assertBad(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void everyBoundaryIsALegalValue() throws Exception {
        try (TestDatabase database = TestDatabase.h2InMemory(1);
                JdbcSpool spool = JdbcSpool.builder(database.dataSource)
                        .chunkBytes(4096)
                        .chunkBytes(16 * 1024 * 1024)
                        .tablePrefix("x" + "_".repeat(29))
                        .abandonedAfter(Duration.ofDays(30))
                        .abandonedAfter(Duration.ofMinutes(1))
                        .refuseFor(Duration.ofHours(1))
                        .refuseFor(Duration.ZERO)
                        .dialect(SpoolDialect.h2())
                        .open()) {
            assertThat(spool.lanes()).isEmpty();
        }
    }

    @Test
    void h2UserHasToBeAdministrator() throws Exception {
        try (TestDatabase database = TestDatabase.h2InMemory(1)) {
            database.open().close();
            database.execute("CREATE USER mail PASSWORD ''");
            assertThatThrownBy(() -> JdbcSpool.builder(database.as("mail")).open())
                    .isInstanceOf(SpoolException.class)
                    .hasMessageContaining("ALTER USER ... ADMIN TRUE");
        }
    }
}
