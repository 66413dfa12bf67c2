package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The runnable jar, as a user starts it. */
class ServerJarIT {

    @TempDir
    Path folder;

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

    @Test
    void tellsOnceWhyItsTransportIsNotNativeAndEndsWhenTold() throws Exception {
        Path config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%s"
                domains: {example.test: }
                """.formatted(folder.resolve("spool")));
        ServerProcess server = ServerProcess.start(
                List.of("-jar", Path.of("target", "backupmx-server.jar").toString()), config);
        try {
            // none at all if the jar was made with the native libraries
            assertThat(server.output().lines().filter(line -> line.contains("transport is nio")))
                    .as(server.output())
                    .hasSizeLessThanOrEqualTo(1);
            assertThat(server.terminate(40)).as("ended").isTrue();
        } finally {
            server.kill();
        }
    }
}
