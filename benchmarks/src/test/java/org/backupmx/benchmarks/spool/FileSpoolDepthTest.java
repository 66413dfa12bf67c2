package org.backupmx.benchmarks.spool;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The measurement of deep queues runs, so that it does not rot. */
class FileSpoolDepthTest {

    @TempDir
    Path temporary;

    @Test
    void itRuns() {
        assertThatCode(() -> FileSpoolDepth.smoke(temporary.resolve("spool"))).doesNotThrowAnyException();
    }
}
