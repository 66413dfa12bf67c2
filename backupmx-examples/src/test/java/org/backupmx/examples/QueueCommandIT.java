package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Queue commands in processes of their own, which are interrupted, or whose server dies. */
@Timeout(180)
class QueueCommandIT {

    private static final byte[] NOBODY = {127, 0, 0, 80};

    /** An order changes at most 2,000 in a second, and a command looks twice a second how far it is. */
    private static final int MANY = 3_000;

    @TempDir
    Path folder;

    private Path config;
    private ServerProcess server;
    private final List<Process> commands = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(NOBODY))) {
            port = socket.getLocalPort();
        }
        config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%s"
                domains: {example.test: {primary: "127.0.0.80:%d"}}
                """.formatted(folder.resolve("spool"), port));
        server = ServerProcess.start(config);
    }

    @AfterEach
    void kill() throws Exception {
        for (Process command : commands) {
            command.destroyForcibly().waitFor();
        }
        server.kill();
    }

    private void send(int count) throws IOException {
        try (SmtpDialogue dialogue = new SmtpDialogue(server.address())) {
            for (int i = 0; i < count; i++) {
                dialogue.send("a@sender.test", "user" + i + "@example.test", "Subject: x\r\n\r\nx\r\n".getBytes(UTF_8));
            }
        }
        Awaitility.await().until(() -> count("delivery") == count);
    }

    /** What a queue command of this process says. */
    private String say(String... words) {
        List<String> line = new ArrayList<>(List.of("queue"));
        line.addAll(List.of(words));
        line.addAll(List.of("--config", config.toString()));
        StringWriter out = new StringWriter();
        int exitCode =
                ReferenceServer.commandLine().setOut(new PrintWriter(out, true)).execute(line.toArray(new String[0]));
        assertThat(exitCode).isZero();
        return out.toString();
    }

    /** How many messages an order for all of an area would change. */
    private int count(String area) {
        return Integer.parseInt(
                say("delete", "--all", "--in", area, "--dry-run").split(" ", 3)[1]);
    }

    /** The value of the last member of that name in some JSON. */
    private static String last(String member, String json) {
        return Pattern.compile("\"" + member + "\": \"([^\"]*)\"")
                .matcher(json)
                .results()
                .reduce((before, after) -> after)
                .orElseThrow()
                .group(1);
    }

    private Process command(String... words) throws IOException {
        List<String> line = new ArrayList<>(List.of(words));
        line.addAll(List.of("--config", config.toString()));
        return process(line.toArray(new String[0]));
    }

    private Process process(String... words) throws IOException {
        // a build in the background ignores SIGINT, and so would its children
        List<String> line = new ArrayList<>(List.of(
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ReferenceServer.class.getName(),
                "queue"));
        line.addAll(List.of(words));
        Process command = new ProcessBuilder(line).redirectErrorStream(true).start();
        commands.add(command);
        return command;
    }

    private static void interrupt(Process command) throws Exception {
        new ProcessBuilder("kill", "-INT", Long.toString(command.pid())).start().waitFor();
    }

    private static int end(Process command) throws InterruptedException {
        assertThat(command.waitFor(60, TimeUnit.SECONDS)).as("it ended").isTrue();
        return command.exitValue();
    }

    @Test
    void aDrainThatIsInterruptedEndsAndHarmsNothing() throws Exception {
        send(5);
        Process drain = command("drain");
        BufferedReader said = drain.inputReader(UTF_8);
        String first = said.lines()
                .filter(line -> line.startsWith("drain: ")) // loggers may have something to say before
                .findFirst()
                .orElseThrow();
        assertThat(first).startsWith("drain: 5 left, 0 sent, ");
        interrupt(drain);
        assertThat(end(drain)).isEqualTo(130);
        assertThat(said.lines()).allMatch(line -> line.startsWith("drain: 5 left, "));
        assertThat(count("delivery")).isEqualTo(5);
    }

    @Test
    void anOrderThatIsInterruptedStopsInTheServer() throws Exception {
        send(MANY);
        Process hold = command("hold", "--all", "--yes");
        Awaitility.await().until(() -> count("held") > 0);
        interrupt(hold);
        List<String> said = hold.inputReader(UTF_8).lines().toList();
        assertThat(end(hold)).isEqualTo(130);
        assertThat(said).contains("end: stopped");
        int held = count("held");
        assertThat(said).contains("changed: " + held);
        assertThat(held + count("delivery")).isEqualTo(MANY);
    }

    @Test
    void aFlushThatIsInterruptedStopsInTheServer() throws Exception {
        send(MANY);
        // orders go by id; the first of all were attempted, which changes when they are due, too
        String early = last("id", say("list", "--limit", "200", "--json"));
        String due = last("due", say("show", early, "--json"));
        Process flush = command("flush", "--all", "--yes");
        Awaitility.await()
                .until(() -> !last("due", say("show", early, "--json")).equals(due));
        interrupt(flush);
        List<String> said = flush.inputReader(UTF_8).lines().toList();
        assertThat(end(flush)).isEqualTo(130);
        assertThat(said).contains("end: stopped", "failed: 0").doesNotContain("changed: " + MANY);
        assertThat(count("delivery")).isEqualTo(MANY);
    }

    @Test
    void anOrderWhoseServerIsKilledSaysSoAndEachMessageIsOldOrNew() throws Exception {
        send(MANY);
        Process hold = command("hold", "--all", "--yes");
        Awaitility.await().until(() -> count("held") > 0);
        server.kill();
        List<String> said = hold.inputReader(UTF_8).lines().toList();
        assertThat(end(hold)).isEqualTo(1);
        assertThat(said.get(said.size() - 1))
                .startsWith("backupmx-server: ")
                .endsWith(": what was changed before stays, the rest is as it was");
        server = ServerProcess.start(config);
        int held = count("held");
        assertThat(held).isPositive();
        assertThat(held + count("delivery")).isEqualTo(MANY);
    }

    @Test
    void aYesOutOfAPipeIsNobodysWord() throws Exception {
        send(101);
        Process delete = command("delete", "--all");
        try (var in = delete.outputWriter(UTF_8)) {
            in.write("yes\n");
        }
        List<String> said = delete.inputReader(UTF_8).lines().toList();
        assertThat(end(delete)).isEqualTo(2);
        assertThat(said)
                .last()
                .isEqualTo("backupmx-server: queue delete: 101 messages (expected: --yes for more than 100, or"
                        + " --dry-run)");
        assertThat(count("delivery")).isEqualTo(101);
    }

    @Test
    void whoAsksAServerThatHangsCanLeave() throws Exception {
        Path socket = folder.resolve("hangs.sock");
        try (ServerSocketChannel hangs = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            hangs.bind(UnixDomainSocketAddress.of(socket));
            Process drain = process("drain", "--socket", socket.toString());
            try (SocketChannel asked = hangs.accept()) {
                assertThat(asked.isOpen()).isTrue();
                interrupt(drain);
                assertThat(end(drain)).isEqualTo(130);
            }
        }
    }
}
