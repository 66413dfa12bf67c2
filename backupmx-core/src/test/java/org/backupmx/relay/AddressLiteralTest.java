package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.intake.IpNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AddressLiteralTest {

    /** Prints the addresses and networks that {@code texts} write. */
    static final class Reader {
        private Reader() {}

        public static void main(String... texts) {
            for (String text : texts) {
                System.out.println(text + " " + AddressLiteral.parse(text) + " " + isNetwork(text));
            }
        }

        private static boolean isNetwork(String text) {
            try {
                return IpNetwork.of(text).toString().startsWith(text);
            } catch (IllegalArgumentException e) {
                return false;
            }
        }
    }

    /** In a JVM whose resolver knows these as names: who looks one up finds it. */
    @Test
    void noAddressIsEverLookedUp(@TempDir Path directory) throws Exception {
        List<String> noAddresses = List.of("256.1.1.1", "999.999.999.999", "1.2.3", "1:2", "::1.2.3.999", "name.test");
        Path hosts = directory.resolve("hosts");
        Files.write(hosts, noAddresses.stream().map(name -> "192.0.2.9 " + name).toList());
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Djdk.net.hosts.file=" + hosts,
                "-cp",
                System.getProperty("java.class.path"),
                Reader.class.getName()));
        command.addAll(noAddresses);
        Process reader = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(reader.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(printed.lines())
                .containsExactlyElementsOf(noAddresses.stream()
                        .map(text -> text + " Optional.empty false")
                        .toList());
        assertThat(reader.waitFor()).isZero();
    }
}
