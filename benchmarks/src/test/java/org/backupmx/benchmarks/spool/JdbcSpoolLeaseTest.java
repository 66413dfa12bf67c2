package org.backupmx.benchmarks.spool;

import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

/** The measurement of leases in a database runs, so that it does not rot. */
class JdbcSpoolLeaseTest {

    @Test
    void itRuns() {
        assertThatCode(() -> JdbcSpoolLease.run("jdbc:h2:mem:lease", 300, 20, 3))
                .doesNotThrowAnyException();
    }
}
