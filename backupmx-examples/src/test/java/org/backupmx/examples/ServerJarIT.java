package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The runnable jar, as a user starts it. */
class ServerJarIT {

    @Test
    void saysItsVersion() throws IOException, InterruptedException {
        Process server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-jar",
                        Path.of("target", "backupmx-server.jar").toString(),
                        "--version")
                .redirectErrorStream(true)
                .start();

        String said = new String(server.getInputStream().readAllBytes(), UTF_8);

        assertThat(server.waitFor(30, TimeUnit.SECONDS)).as("ended").isTrue();
        assertThat(said).matches("backupmx \\d+\\.\\d+\\.\\d+\\S*\\R");
        assertThat(server.exitValue()).isZero();
    }
}
