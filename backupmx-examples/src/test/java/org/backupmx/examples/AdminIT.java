package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LIST;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import picocli.CommandLine;

/** An operator's commands against the reference server in a process of its own. */
@Timeout(120)
class AdminIT {

    private static final byte[] PRIMARY = {127, 0, 0, 78};

    @TempDir
    Path folder;

    private Path config;
    private DemoPrimary primary;
    private ServerProcess server;

    private record Said(int exitCode, String out, String err) {

        List<String> lines() {
            assertThat(err).isEmpty();
            assertThat(exitCode).isZero();
            return out.lines().toList();
        }

        void isFault(int code, String line) {
            assertThat(err).isEqualTo("backupmx-server: " + line + System.lineSeparator());
            assertThat(exitCode).isEqualTo(code);
            assertThat(out).isEmpty();
        }
    }

    @BeforeEach
    void start() throws Exception {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByAddress(PRIMARY), freePort());
        primary = new DemoPrimary(address);
        config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%s"
                domains:
                  example.test: {primary: "127.0.0.78:%d"}
                  other.test: {primary: "127.0.0.78:%d", mode: monitoring}
                probe: {depth: rcpt, up: 8m, down: 20m, timeout: 10s, rise: 1, fall: 1}
                """.formatted(
                        folder.resolve("spool"), address.getPort(), address.getPort()));
        server = ServerProcess.start(config);
    }

    @AfterEach
    void kill() throws Exception {
        server.kill();
        primary.stop();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(PRIMARY))) {
            return socket.getLocalPort();
        }
    }

    private Said run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                ReferenceServer.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int exitCode = command.execute(Stream.concat(Stream.of(args), Stream.of("--config", config.toString()))
                .toArray(String[]::new));
        return new Said(exitCode, out.toString(), err.toString());
    }

    /** The cells of a domain's line; columns are two blanks apart. */
    private String[] status(String domain) {
        List<String> lines = run("status").lines();
        assertThat(lines.get(0).split(" {2,}"))
                .containsExactly(
                        "domain", "mode", "state", "since", "last probe", "queued", "oldest", "next attempt", "notes");
        return lines.stream()
                .filter(line -> line.startsWith(domain + " "))
                .findFirst()
                .orElseThrow()
                .split(" {2,}");
    }

    @SuppressWarnings("unchecked")
    private Map<String, Object> json(String domain) {
        String text = String.join("\n", run("status", "--json").lines());
        Map<String, Object> all =
                (Map<String, Object>) new Load(LoadSettings.builder().build()).loadFromString(text);
        assertThat(Instant.parse((String) all.get("at"))).isBefore(Instant.now().plusSeconds(60));
        return ((List<Map<String, Object>>) all.get("domains"))
                .stream()
                        .filter(one -> one.get("domain").equals(domain))
                        .findFirst()
                        .orElseThrow();
    }

    @Test
    void statusAndProbeTellOfAnOutageAndOfItsEnd() throws Exception {
        Awaitility.await().until(() -> status("example.test")[2].equals("DOWN"));
        try (SmtpDialogue dialogue = new SmtpDialogue(server.address())) {
            dialogue.send("a@sender.test", "user@example.test", "Subject: x\r\n\r\ny\r\n".getBytes(US_ASCII));
        }

        String[] down = status("example.test");
        assertThat(down[1]).isEqualTo("always");
        assertThat(Instant.parse(down[3])).isBefore(Instant.now());
        assertThat(down[4]).matches("\\d+m?.* ago");
        assertThat(down[5]).isEqualTo("1");
        assertThat(down[6]).matches("\\d+s");
        assertThat(down[7]).matches("after a probe in 1\\dm( \\d+s)?|after a probe in 20m.*");
        run("maintenance", "example.test", "--until", "30m").lines();
        assertThat(status("example.test")[7]).isEqualTo("after maintenance");
        run("maintenance", "example.test", "--end").lines();
        assertThat(down[8]).contains("refused");
        assertThat(status("other.test"))
                .startsWith("other.test", "monitoring", "DOWN")
                .contains("0", "-");
        Map<String, Object> told = json("example.test");
        assertThat(told)
                .containsEntry("mode", "always")
                .containsEntry("state", "DOWN")
                .containsEntry("queued", 1)
                .containsEntry("held", 0)
                .containsEntry("override", "auto")
                .containsEntry("flapping", false)
                .containsEntry("maintenance", List.of())
                .containsKeys("since", "cause", "lastProbe", "nextProbe", "nextDue", "oldestSeconds", "bytes", "found");
        assertThat(run("probe", "example.test").lines()).contains("domain: example.test", "state: DOWN");

        primary.start();
        List<String> probed = run("probe", "example.test").lines();
        assertThat(probed).contains("state: UP", "cause: probe succeeded", "flapping: false");
        assertThat(run("believe", "example.test").lines())
                .containsExactly("example.test: its primary was believed already");
        assertThat(probed).anyMatch(line -> line.startsWith("banner: primary.example.test"));
        assertThat(probed).anyMatch(line -> line.startsWith("extensions: ") && line.contains("PIPELINING"));
        Awaitility.await().until(() -> status("example.test")[5].equals("0"));
        assertThat(primary.messages()).containsKey("user@example.test");
        assertThat(json("example.test")).containsEntry("state", "UP").doesNotContainKey("nextDue");
    }

    @Test
    void ordersAndMaintenanceAreTakenShownAndEnded() {
        assertThat(run("mode", "example.test", "force-up", "--until", "2h").lines())
                .singleElement()
                .asString()
                .startsWith("example.test: force-up until 20");
        assertThat(status("example.test")[2]).isEqualTo("UP");
        assertThat(status("example.test")[8]).startsWith("force-up until 20").contains("; found ");
        assertThat(Instant.parse((String) json("example.test").get("overrideUntil")))
                .isBetween(
                        Instant.now().plus(Duration.ofMinutes(110)),
                        Instant.now().plus(Duration.ofHours(2)));
        assertThat(run("mode", "example.test", "hold").lines()).containsExactly("example.test: hold");
        assertThat(json("example.test")).containsEntry("override", "hold").doesNotContainKey("overrideUntil");
        assertThat(run("mode", "example.test", "auto").lines()).containsExactly("example.test: auto");
        assertThat(json("example.test")).containsEntry("override", "auto");

        Instant from = Instant.parse("2126-11-23T18:00:00Z");
        assertThat(run(
                                "maintenance",
                                "example.test",
                                "--from",
                                "2126-11-23T18:00Z",
                                "--until",
                                "2126-11-24T02:00+02:00")
                        .lines())
                .containsExactly("example.test: maintenance " + from + " to 2126-11-24T00:00:00Z");
        assertThat(run("maintenance", "example.test", "--until", "30m").lines()).hasSize(1);
        assertThat(json("example.test").get("maintenance")).asInstanceOf(LIST).hasSize(2);
        assertThat(status("example.test")[8]).contains("maintenance 2126-11-23T18:00:00Z to 2126-11-24T00:00:00Z");
        assertThat(run("maintenance", "example.test", "--end").lines())
                .containsExactly("example.test: maintenance ended, windows: 2");
        assertThat(json("example.test").get("maintenance")).asInstanceOf(LIST).isEmpty();
    }

    @Test
    void uptimeTellsOfThePastAcrossARestart() throws Exception {
        Awaitility.await().until(() -> status("example.test")[2].equals("DOWN"));
        assertThat(server.terminate(40)).as("ended").isTrue();
        primary.start();
        server = ServerProcess.start(config);
        Awaitility.await().until(() -> status("example.test")[2].equals("UP"));

        Awaitility.await()
                .untilAsserted(() -> assertThat(run("uptime", "example.test").lines())
                        .anyMatch(line -> line.matches("total: .* % of \\d+s, worst DOWN"))
                        .anyMatch(line -> line.matches("month: \\S+ .*"))
                        .anyMatch(line -> line.matches("outage: \\S+ \\d+s DOWN: .*refused.*")));
        assertThat(run("uptime", "example.test", "--csv").lines())
                .startsWith("period,from,to,known_seconds,answering_seconds,percent,worst")
                .anyMatch(line -> line.startsWith("total,") && line.endsWith(",DOWN"));
        assertThat(run("uptime", "example.test", "--outages-csv").lines())
                .hasSize(2)
                .startsWith("from,until,seconds,health,cause");
        String json = String.join(
                "\n", run("uptime", "example.test", "--json", "--days", "400").lines());
        assertThat((Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(json))
                .extracting("outages", LIST)
                .hasSize(1);
        assertThat(String.join("", run("uptime", "example.test", "--svg").lines()))
                .startsWith("<svg")
                .endsWith("</svg>");
        run("uptime", "no.test").isFault(2, "\"no.test\" (expected: a domain that status lists with a state)");
        run("uptime", "example.test", "--days", "401")
                .isFault(2, "--days: 401 is not 1 to 400 (expected: see backupmx-server uptime --help)");
    }

    @Test
    void ordersOutliveTheServer() throws Exception {
        run("mode", "example.test", "hold").lines();
        run("maintenance", "example.test", "--until", "2h").lines();
        assertThat(server.terminate(40)).as("ended").isTrue();
        server = ServerProcess.start(config);
        assertThat(json("example.test")).containsEntry("override", "hold");
        assertThat(json("example.test").get("maintenance")).asInstanceOf(LIST).hasSize(1);
    }

    @Test
    void aServerThatKeepsNoHistorySaysSo() throws Exception {
        assertThat(server.terminate(40)).as("ended").isTrue();
        Files.writeString(config, Files.readString(config) + "history: off\n");
        server = ServerProcess.start(config);
        run("uptime", "example.test").isFault(1, "historyStore: none (expected: a store such as FileHistory)");
    }

    @Test
    void whatCannotBeIsOneLine() {
        String unknown = "\"no.test\" (expected: a domain that status lists with a state)";
        run("probe", "no.test").isFault(2, unknown);
        run("believe", "no.test").isFault(2, unknown);
        run("mode", "no.test", "hold").isFault(2, unknown);
        run("maintenance", "no.test", "--until", "1h").isFault(2, unknown);
        assertThat(run("monitoring").lines()).singleElement().asString().startsWith("network  ");
        assertThat(run("monitoring", "--limit", "0").err()).contains("--limit: 0 is not 1 to 10000");
        run("probe", "a..b").isFault(2, "\"a..b\" (expected: a domain such as example.org)");
        run("mode", "example.test", "auto", "--until", "2126-01-01T00:00Z")
                .isFault(2, "until: 2126-01-01T00:00:00Z (expected: none, as auto has no end)");
        run("mode", "example.test", "hold", "--until", "2026-01-01T00:00Z")
                .isFault(2, "\"2026-01-01T00:00:00Z\" (expected: a time to come)");
        assertThat(run("maintenance", "example.test", "--until", "4d").err())
                .contains("(expected: at most 3 d after ")
                .hasLineCount(1);
    }

    @Test
    void theSocketIsForItsUserAloneAndGoesWithTheServer() throws Exception {
        Path socket = folder.resolve("spool").resolve("admin.sock");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        try (SocketChannel hanging = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            hanging.write(ByteBuffer.wrap("stat".getBytes(US_ASCII)));
            assertThat(server.terminate(40)).as("ended").isTrue();
        }
        assertThat(socket).doesNotExist();
        run("status").isFault(1, "admin socket " + socket + ": no server is running there");

        server = ServerProcess.start(config);
        server.kill();
        assertThat(socket).exists();
        run("status").isFault(1, "admin socket " + socket + ": no server is running there");
        server = ServerProcess.start(config);
        assertThat(run("status").lines()).hasSize(3);
    }
}
