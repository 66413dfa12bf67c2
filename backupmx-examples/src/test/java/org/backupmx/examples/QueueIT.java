package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
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

/** The queue commands against the reference server in a process of its own. */
@Timeout(180)
class QueueIT {

    private static final byte[] PRIMARY = {127, 0, 0, 79};

    @TempDir
    Path folder;

    private Path config;
    private DemoPrimary primary;
    private ServerProcess server;
    private int port;

    private record Said(int exitCode, String out, String err) {

        List<String> lines() {
            assertThat(err).isEmpty();
            assertThat(exitCode).isZero();
            return out.lines().toList();
        }

        void isFault(int code, String line) {
            assertThat(err).isEqualTo("backupmx-server: " + line + System.lineSeparator());
            assertThat(exitCode).isEqualTo(code);
        }
    }

    @BeforeEach
    void start() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(PRIMARY))) {
            port = socket.getLocalPort();
        }
        primary = new DemoPrimary(new InetSocketAddress(InetAddress.getByAddress(PRIMARY), port));
        config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%s"
                domains:
                  example.test: {primary: "127.0.0.79:%d"}
                  other.test: {primary: "127.0.0.79:%d"}
                  hours.test: {primary: "127.0.0.79:%d", rate: {hours: "%s"}}
                probe: {depth: rcpt, up: 8m, down: 1s, timeout: 10s, rise: 1, fall: 1}
                """.formatted(
                        folder.resolve("spool"), port, port, port, anHourFarFromNow()));
        server = ServerProcess.start(config);
    }

    private static String anHourFarFromNow() {
        LocalTime begin = LocalTime.now(ZoneOffset.UTC).plusHours(11).truncatedTo(ChronoUnit.MINUTES);
        return begin + "-" + begin.plusHours(1) + " UTC";
    }

    @AfterEach
    void kill() throws Exception {
        server.kill();
        primary.stop();
    }

    private Said run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                ReferenceServer.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int exitCode =
                command.execute(Stream.of(Stream.of("queue"), Stream.of(args), Stream.of("--config", config.toString()))
                        .flatMap(one -> one)
                        .toArray(String[]::new));
        return new Said(exitCode, out.toString(), err.toString());
    }

    private void send(int count, String domain) throws IOException {
        try (SmtpDialogue dialogue = new SmtpDialogue(server.address())) {
            for (int i = 0; i < count; i++) {
                dialogue.send(
                        "a@sender.test",
                        "user" + i + "@" + domain,
                        "Subject: number\r\n\r\nbody of it\r\n".getBytes(UTF_8));
            }
        }
    }

    private List<String> ids(String... filter) {
        List<String> args = new ArrayList<>(List.of("list", "--limit", "1000"));
        args.addAll(List.of(filter));
        return run(args.toArray(new String[0])).lines().stream()
                .skip(1)
                .map(line -> line.split(" {2,}", 2)[0])
                .toList();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> json(List<String> lines) {
        return (Map<String, Object>) new Load(LoadSettings.builder().build()).loadFromString(String.join("\n", lines));
    }

    @Test
    void listsPageByPageAndShowsOne() throws Exception {
        send(7, "example.test");
        send(2, "other.test");
        Awaitility.await().until(() -> ids().size() == 9);
        List<String> page = run("list", "--limit", "4").lines();
        assertThat(page.get(0).split(" {2,}"))
                .containsExactly(
                        "id",
                        "in",
                        "age",
                        "bytes",
                        "reverse-path",
                        "recipients",
                        "attempts",
                        "next attempt",
                        "last reply");
        assertThat(page).hasSize(6);
        assertThat(page.get(1))
                .contains("  delivery  ")
                .contains("  a@sender.test  ")
                .contains("@example.test");
        assertThat(page.get(5)).startsWith("next: ");
        List<String> seen = new ArrayList<>(ids().subList(0, 4));
        String after = page.get(5).substring(6);
        assertThat(seen.get(3)).isEqualTo(after);
        List<String> rest = run("list", "--limit", "5", "--after", after).lines();
        assertThat(rest).hasSize(6).noneMatch(line -> line.startsWith("next"));

        assertThat(ids("--domain", "other.test")).hasSize(2);
        assertThat(ids("--recipient", "user3@example.test")).hasSize(1);
        assertThat(ids("--reverse-path", "<>")).isEmpty();
        assertThat(ids("--reverse-path", "a@sender.test", "--older-than", "1h")).isEmpty();
        assertThat(ids("--larger-than", "1MB")).isEmpty();
        assertThat(ids("--larger-than", "10")).hasSize(9);
        assertThat(ids("--in", "held,dead-letter")).isEmpty();

        Map<String, Object> told = json(run("list", "--limit", "4", "--json").lines());
        assertThat((List<?>) told.get("messages")).hasSize(4);
        assertThat(told).containsEntry("next", after);

        String id = ids("--recipient", "user3@example.test").get(0);
        List<String> shown = run("show", id).lines();
        assertThat(shown)
                .contains("id: " + id, "in: delivery", "reverse-path: a@sender.test", "Subject: number")
                .anyMatch(line -> line.startsWith("recipient: user3@example.test, attempts "))
                .noneMatch(line -> line.contains("body of it"));
        assertThat(run("show", id, "--body").lines()).endsWith("Subject: number", "", "body of it");
        assertThat(json(run("show", id, "--json").lines()))
                .containsEntry("id", id)
                .containsKey("lanes");
    }

    @Test
    void hostileTextIsSpeltOut() throws Exception {
        try (SmtpDialogue dialogue = new SmtpDialogue(server.address())) {
            dialogue.send(
                    "a@sender.test",
                    "user@example.test",
                    "Subject: \033]0;title\007\033[2J\u202egnp.exe\r\nX: \u009b31m\r\n\r\nx\r\n".getBytes(UTF_8));
        }
        Awaitility.await().until(() -> ids().size() == 1);
        List<String> shown = run("show", ids().get(0)).lines();
        assertThat(shown).contains("Subject: \\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{202e}gnp.exe", "X: \\u{9b}31m");
        assertThat(String.join("", shown).codePoints()).noneMatch(TerminalText::isHidden);
    }

    @Test
    void holdReleaseDeleteAndRestore() throws Exception {
        send(5, "example.test");
        send(2, "other.test");
        Awaitility.await().until(() -> ids().size() == 7);
        assertThat(run("hold", "--domain", "example.test", "--dry-run").lines())
                .singleElement()
                .asString()
                .matches("hold: 5 messages, \\d+ bytes \\(domain=example.test\\)");
        assertThat(ids("--in", "held")).isEmpty();
        assertThat(run("hold", "--domain", "example.test", "--reason", "who are they?")
                        .lines())
                .contains("changed: 5", "unchanged: 0", "failed: 0", "end: complete");
        assertThat(ids("--in", "held")).hasSize(5);
        List<String> held = ids("--in", "held");
        assertThat(run("delete", held.get(0), held.get(1), "--reason", "spam").lines())
                .contains("changed: 2");
        assertThat(ids()).hasSize(5);
        assertThat(ids("--in", "recycled")).containsExactly(held.get(0), held.get(1));
        assertThat(run("show", held.get(0)).lines())
                .contains("in: recycled")
                .contains("detail: held; by " + System.getProperty("user.name") + " at the admin socket: spam");
        assertThat(run("delete", held.get(1), "--for-good").lines()).contains("changed: 1");
        assertThat(run("restore", held.get(0)).lines()).contains("changed: 1");

        primary.start();
        assertThat(run("release", "--all").lines()).contains("changed: 4");
        Awaitility.await().until(() -> primary.messages().size() == 6);
        assertThat(ids()).isEmpty();
    }

    @Test
    void resetRetriesAndFlush() throws Exception {
        send(3, "example.test");
        Awaitility.await().until(() -> ids().size() == 3);
        assertThat(run("reset-retries", "--all").lines()).contains("changed: 3");
        List<String> before = ids();
        assertThat(run("reset-retries", before.get(0), "--age").lines())
                .contains("changed: 1")
                .first()
                .asString()
                .startsWith("renew: 1 message, ");
        assertThat(ids()).hasSize(3).doesNotContain(before.get(0));
        primary.start();
        run("flush", "--domain", "example.test").lines();
        Awaitility.await().until(() -> primary.messages().size() == 3);
    }

    @Test
    void g7_aDomainWaitsForItsHoursUnlessItIsFlushedOutsideOfThem() throws Exception {
        primary.start();
        send(2, "hours.test");
        send(1, "other.test");
        Awaitility.await().until(() -> primary.messages().size() == 1);
        assertThat(ids()).hasSize(2);
        assertThat(run("drain", "hours.test", "--once").lines().get(1))
                .matches("hours.test +UP +2 +0 +0 +0 +0.00 +unknown time, hours begin 20.*Z");
        run("flush", "--domain", "hours.test").lines();
        assertThat(ids()).hasSize(2);
        run("flush", "--all", "--outside-hours")
                .isFault(
                        2,
                        "--outside-hours goes with --domain alone (expected: see backupmx-server queue flush --help)");
        run("flush", "--domain", "hours.test", "--outside-hours").lines();
        Awaitility.await().until(() -> primary.messages().size() == 3);
    }

    @Test
    void moreThanAHundredNeedsAWord() throws Exception {
        send(101, "example.test");
        Awaitility.await().until(() -> ids().size() == 101);
        Said refused = run("delete", "--all");
        refused.isFault(2, "queue delete: 101 messages (expected: --yes for more than 100, or --dry-run)");
        assertThat(refused.out()).startsWith("delete: 101 messages, ");
        assertThat(ids()).hasSize(101);
        assertThat(run("delete", "--all", "--yes").lines()).contains("changed: 101");
        assertThat(ids()).isEmpty();
    }

    @Test
    void redirectsADomainAcrossARestart() throws Exception {
        DemoPrimary other;
        int otherPort;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(PRIMARY))) {
            otherPort = socket.getLocalPort();
        }
        other = new DemoPrimary(new InetSocketAddress(InetAddress.getByAddress(PRIMARY), otherPort));
        String hop = "127.0.0.79:" + otherPort;
        send(2, "example.test");
        send(1, "other.test");
        Awaitility.await().until(() -> ids().size() == 3);
        assertThat(run("redirect", "example.test", hop, "--dry-run").lines())
                .startsWith("domain: example.test", "to: " + hop, "messages: 2", "addresses: " + hop + "[127.0.0.79]")
                .anyMatch(line -> line.startsWith("trouble: ") && line.contains("refused"));
        assertThat(run("redirect", "--list").lines()).isEmpty();
        assertThat(run("redirect", "example.test", hop).lines()).endsWith("example.test: redirected to " + hop);
        assertThat(run("redirect", "--list").lines()).containsExactly("example.test: " + hop);
        assertThat(server.terminate(40)).as("ended").isTrue();
        server = ServerProcess.start(config);
        assertThat(run("redirect", "--list").lines()).containsExactly("example.test: " + hop);
        other.start();
        try {
            Awaitility.await().until(() -> other.messages().size() == 2);
            assertThat(ids()).hasSize(1);
        } finally {
            other.stop();
        }
        assertThat(run("redirect", "example.test", "--end").lines())
                .containsExactly("example.test: not redirected any more");
        run("redirect", "example.test", "--end")
                .isFault(2, "\"example.test\" (expected: a domain that queue redirect --list shows)");
        run("redirect", "example.test", "a b:25")
                .isFault(2, "\"a b:25\" (expected: a next hop such as mail.example.org:25 or [2001:db8::1]:25)");
    }

    @Test
    void exportsOutOfARunningServer() throws Exception {
        send(3, "example.test");
        send(1, "other.test");
        Awaitility.await().until(() -> ids().size() == 4);
        Path to = folder.resolve("out");
        assertThat(run("export", "--domain", "example.test", "--to", to.toString())
                        .lines())
                .contains("changed: 3", "end: complete");
        try (Stream<Path> files = Files.list(to)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .hasSize(6)
                    .filteredOn(name -> name.endsWith(".eml"))
                    .hasSize(3);
        }
        Said again = run("export", "--all", "--to", to.toString());
        assertThat(again.exitCode()).isEqualTo(1);
        assertThat(again.err()).contains(to.toString()).hasLineCount(1);
        assertThat(run("export", "--all", "--to", folder.resolve("all.mbox").toString(), "--format", "mbox")
                        .lines())
                .contains("changed: 4");
        assertThat(ids()).hasSize(4);
    }

    @Test
    void watchesADrainToItsEnd() throws Exception {
        send(20, "example.test");
        Awaitility.await().until(() -> ids().size() == 20);
        assertThat(run("drain", "--once").lines())
                .anyMatch(line -> line.matches("example.test +DOWN +20 +0 +0 +0 +0.00 +unknown time"))
                .last()
                .asString()
                .startsWith("total ");
        primary.start();
        List<String> watched = run("drain", "example.test").lines();
        assertThat(watched).last().asString().startsWith("drain: 0 left, ");
        assertThat(primary.messages()).hasSize(20);
        Map<String, Object> told = json(run("drain", "--json").lines());
        assertThat(told.get("domains").toString())
                .contains("domain=example.test")
                .contains("sent=20");
        run("drain", "no.test").isFault(2, "\"no.test\" (expected: a domain that status lists)");
    }

    @Test
    void whatCannotBeIsOneLine() throws Exception {
        run("list", "--domain", "no.test").isFault(2, "\"no.test\" (expected: a domain that status lists)");
        run("list", "--domain", "a..b").isFault(2, "\"a..b\" (expected: a domain such as example.org)");
        run("list", "--recipient", "nobody").isFault(2, "\"nobody\" (expected: a mailbox such as user@example.org)");
        run("list", "--in", "somewhere")
                .isFault(2, "\"somewhere\" (expected: delivery, held, expired, dead-letter or recycled)");
        run("list", "--limit", "0")
                .isFault(2, "--limit: 0 is not 1 to 1000 (expected: see backupmx-server queue list --help)");
        run("list", "--older-than", "long")
                .isFault(
                        2,
                        "--older-than: \"long\" is not a duration such as 30s, 5m, 1h or 14d (expected: see backupmx-server queue"
                                + " list --help)");
        run("hold")
                .isFault(
                        2,
                        "no messages chosen: ids, options or --all (expected: see backupmx-server queue hold --help)");
        run("hold", "X1", "--all")
                .isFault(2, "either ids, or options, or --all (expected: see backupmx-server queue hold --help)");
        run("hold", "no-such-id")
                .isFault(
                        2,
                        "\"no-such-id\" (expected: the id of a message that can be changed so, as queue list shows it)");
        run("show", "no-such-id").isFault(2, "\"no-such-id\" (expected: the id of a message that queue list shows)");
        run("show", "a/b").isFault(2, "\"a/b\" (expected: the id of a message, as queue list shows it)");
        assertThat(run("hold", "--all").lines()).singleElement().asString().startsWith("hold: 0 messages, 0 bytes");
        assertThat(server.terminate(40)).as("ended").isTrue();
        run("list")
                .isFault(
                        1,
                        "admin socket " + folder.resolve("spool").resolve("admin.sock")
                                + ": no server is running there");
    }
}
