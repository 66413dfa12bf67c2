package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.backupmx.mail.Xtext;
import org.backupmx.smtp.internal.codec.XclientCommand.Attribute;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class XclientCommandTest {

    private static @Nullable Map<Attribute, Optional<String>> parse(String argument) {
        byte[] line = ("XCLIENT " + argument + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
        XclientCommand command = XclientCommand.parse(line, 8, line.length - 2);
        return command == null ? null : command.values();
    }

    @Test
    void aValueMayHave255Characters() {
        for (String attribute : new String[] {"NAME", "HELO", "LOGIN"}) {
            assertThat(parse(attribute + "=" + "a".repeat(255))).hasSize(1);
            assertThat(parse(attribute + "=" + "a".repeat(256))).isNull();
        }
    }

    /** Prints the addresses that {@code texts} write. */
    static final class Reader {
        private Reader() {}

        public static void main(String... texts) {
            for (String text : texts) {
                System.out.println(text + " " + XclientCommand.address(text));
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
        assertThat(new String(reader.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines())
                .containsExactlyElementsOf(
                        noAddresses.stream().map(text -> text + " null").toList());
        assertThat(reader.waitFor()).isZero();
    }

    @Property
    void valuesComeBack(
            @ForAll @Size(4) byte[] v4,
            @ForAll @Size(16) byte[] v6,
            @ForAll @IntRange(max = 65535) int port,
            @ForAll @CharRange(from = ' ', to = '~') @StringLength(max = 255) String login)
            throws UnknownHostException {
        InetAddress client = InetAddress.getByAddress(v4);
        InetAddress server = InetAddress.getByAddress(v6);
        String destination = (server.getAddress().length == 16 ? "IPV6:" : "") + server.getHostAddress();
        Map<Attribute, Optional<String>> values = parse("PORT=" + port + " ADDR=" + client.getHostAddress()
                + " DESTADDR=" + destination + " LOGIN=" + Xtext.encode(login));
        boolean wellFormed = !login.isEmpty() && login.chars().allMatch(c -> c > ' ' && c < 0x7f);
        assertThat(values != null).isEqualTo(wellFormed);
        if (values != null) {
            assertThat(values)
                    .containsEntry(Attribute.LOGIN, Optional.of(login))
                    .containsEntry(Attribute.PORT, Optional.of(String.valueOf(port)))
                    .hasSize(4);
            assertThat(XclientCommand.address(values.get(Attribute.ADDR).orElseThrow()))
                    .isEqualTo(client);
            assertThat(XclientCommand.address(values.get(Attribute.DESTADDR).orElseThrow()))
                    .isEqualTo(server);
        }
    }

    @Property
    void noiseIsRefusedOrWellFormedAndNeverThrows(@ForAll @NotEmpty byte[] noise, @ForAll Attribute attribute) {
        String text = new String(noise, StandardCharsets.ISO_8859_1);
        Map<Attribute, Optional<String>> values = parse(attribute + "=" + text);
        if (values != null) {
            assertThat(values.getOrDefault(attribute, Optional.empty()).orElse("x"))
                    .matches("[!-~]{1,255}");
        }
        assertThat(parse(text)).isNull();
    }
}
