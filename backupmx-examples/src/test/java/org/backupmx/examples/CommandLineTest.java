package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.backupmx.spool.Spool;
import org.backupmx.spool.file.FileSpool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/** What a user reads who starts it wrongly: one line that says what is wrong and whose fault it is. */
class CommandLineTest {

    @TempDir
    Path folder;

    private record Said(int exitCode, String out, String err) {}

    private static Said run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                ReferenceServer.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int exitCode = command.execute(args);
        return new Said(exitCode, out.toString(), err.toString());
    }

    private Said serve(String listen, Object spool) throws Exception {
        Path config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["%s"]
                spool: %s
                domains: {example.org: {primary: 127.0.0.1}}
                """.formatted(listen, spool));
        return run("serve", "--config", config.toString());
    }

    private static void assertOneLine(Said said, int exitCode, String expected) {
        assertThat(said.err()).isEqualTo("backupmx-server: " + expected + System.lineSeparator());
        assertThat(said.exitCode()).isEqualTo(exitCode);
        assertThat(said.out()).isEmpty();
    }

    @Test
    void anAddressInUseIsNamedAndNothingIsSaidToHaveRun() throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger("org.backupmx");
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.start();
        Level before = logger.getLevel();
        logger.setLevel(Level.INFO);
        logger.addAppender(lines);
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + taken.getLocalPort();
            Said said = serve(address, folder.resolve("spool"));
            assertThat(said.err())
                    .startsWith("backupmx-server: cannot listen on " + address + ": Address already in use (expected: ")
                    .hasLineCount(1);
            assertThat(said.exitCode()).isEqualTo(1);
        } finally {
            logger.detachAppender(lines);
            logger.setLevel(before);
        }
        assertThat(lines.list)
                .extracting(ILoggingEvent::getMessage)
                .contains("spool opened")
                .noneMatch(message -> message.startsWith("backup MX"));
    }

    @Test
    void aSpoolThatIsAFileIsTold() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        assertOneLine(
                serve("127.0.0.1:0", file),
                1,
                "spool directory " + file + ": cannot be opened: " + file + ": not a directory");
    }

    @Test
    void aSpoolInUseIsTold() throws Exception {
        Path directory = folder.resolve("spool");
        try (Spool used = FileSpool.open(directory)) {
            assertThat(used.health().isAccepting()).isTrue();
            assertOneLine(
                    serve("127.0.0.1:0", directory),
                    1,
                    "spool directory " + directory + ": in use by process "
                            + ProcessHandle.current().pid() + " (expected: one process at a time)");
        }
    }

    @Test
    void aDatabaseThatNobodyKnowsIsAFaultOfItsKey() throws Exception {
        assertOneLine(
                serve("127.0.0.1:0", "jdbc:foo:bar?password=secret"),
                2,
                folder.resolve("server.yaml") + ":3: spool: no database behind \"jdbc:foo:…\""
                        + " (expected: jdbc:h2:… or jdbc:postgresql://…)");
    }

    @Test
    void aDatabaseThatIsNotThereIsTold() throws Exception {
        Said said = serve("127.0.0.1:0", "jdbc:h2:file:" + folder + "/no/db;IFEXISTS=TRUE");
        assertThat(said.err())
                .startsWith("backupmx-server: spool: no connection to the database: Database ")
                .doesNotContain("Exception")
                .hasLineCount(1);
        assertThat(said.exitCode()).isEqualTo(1);
    }

    @Test
    void aConfigurationThatIsNotThereIsTold() {
        Path missing = folder.resolve("missing.yaml");
        assertOneLine(
                run("serve", "--config", missing.toString()), 2, missing + ": no such file (expected: a YAML file)");
    }

    @Test
    void aSpoolThatIsNotThereIsTold() {
        Path missing = folder.resolve("missing");
        for (String verb : new String[] {"describe", "verify"}) {
            assertOneLine(
                    run("spool", verb, missing.toString()),
                    1,
                    "spool directory " + missing + ": cannot be read: " + missing + ": no such file or directory");
        }
    }

    @Test
    void aServerThatDoesNotRunIsTold() throws Exception {
        Path socket = folder.resolve("admin.sock");
        assertOneLine(
                run("status", "--socket", socket.toString()),
                1,
                "admin socket " + socket + ": no server is running there");
        Files.createFile(socket);
        assertOneLine(
                run("status", "--socket", socket.toString()),
                1,
                "admin socket " + socket + ": no server is running there");
        assertOneLine(
                run("status", "--socket", "/" + "s".repeat(107)),
                2,
                "--socket: longer than 107 octets (expected: a shorter path)");
    }

    @Test
    void aCommandNeedsToKnowWhichServer() {
        assertOneLine(
                run("status"),
                2,
                "Error: Missing required argument (specify one of these): (--config=FILE | --socket=PATH)"
                        + " (expected: see backupmx-server status --help)");
    }

    @Test
    void aServerWithoutAnAdminSocketIsTold() throws Exception {
        Path config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: spool
                admin-socket: off
                domains: {example.org: }
                """);
        assertOneLine(
                run("status", "--config", config.toString()),
                2,
                config + ": no admin socket (expected: admin-socket: PATH)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "frob | Unmatched argument at index 0: 'frob' (expected: see backupmx-server --help)",
                "serve | Missing required option: '--config=FILE' (expected: see backupmx-server serve --help)",
                "serve --config | Missing required parameter for option '--config' (FILE)"
                        + " (expected: see backupmx-server serve --help)",
                "spool describe | Missing required parameter: 'DIR' (expected: see backupmx-server spool describe"
                        + " --help)",
                "spool verify a b | Unmatched argument at index 3: 'b'"
                        + " (expected: see backupmx-server spool verify --help)",
                "spool export a | Missing required option: '--to=PATH'"
                        + " (expected: see backupmx-server spool export --help)",
                "spool export a --to b --format x | Invalid value for option '--format': expected one of [eml, mbox]"
                        + " (case-sensitive) but was 'x' (expected: see backupmx-server spool export --help)",
                "spool export a --to b --domain a..b | --domain: \"a..b\" is no domain"
                        + " (expected: see backupmx-server spool export --help)",
                "spool import a | Missing required option: '--from=PATH'"
                        + " (expected: see backupmx-server spool import --help)",
                "mode a.test hold --until 0h --socket x | --until: \"0h\" is not a time such as 2026-11-23T18:00Z, or a"
                        + " span from now such as 30m, 2h or 3d (expected: see backupmx-server mode --help)",
                "probe a.test --config a --socket b | Error: --config=FILE, --socket=PATH are mutually exclusive (specify only"
                        + " one) (expected: see backupmx-server probe --help)",
                "mode a.test monitoring --socket x | ORDER: \"monitoring\" is configuration and no order: the key mode of the"
                        + " configuration file (expected: see backupmx-server mode --help)",
                "mode a.test down --socket x | ORDER: \"down\" is not auto, force-down, force-up or hold"
                        + " (expected: see backupmx-server mode --help)",
                "mode a.test hold --until soon --socket x | --until: \"soon\" is not a time such as 2026-11-23T18:00Z, or a"
                        + " span from now such as 30m, 2h or 3d (expected: see backupmx-server mode --help)",
                "maintenance a.test --socket x | maintenance: either --until, perhaps with --from, or --end"
                        + " (expected: see backupmx-server maintenance --help)",
                "maintenance a.test --end --until 2h --socket x | maintenance: either --until, perhaps with --from, or --end"
                        + " (expected: see backupmx-server maintenance --help)",
                "demo --messages x | Invalid value for option '--messages': 'x' is not an int"
                        + " (expected: see backupmx-server demo --help)",
                "demo --messages 0 | --messages: 0 is not 1 to 100000 (expected: see backupmx-server demo --help)",
            })
    void wrongArgumentsAreToldOnOneLine(String args, String expected) {
        assertOneLine(run(args.split(" ")), 2, expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "serve",
                "status",
                "probe",
                "mode",
                "maintenance",
                "uptime",
                "spool",
                "spool describe",
                "spool verify",
                "spool export",
                "spool import",
                "demo"
            })
    void everyCommandHasHelp(String command) {
        Said said = run((command + " --help").trim().split(" "));
        assertThat(said.out()).startsWith(("Usage: backupmx-server " + command).trim());
        assertThat(said.exitCode()).isZero();
        assertThat(said.err()).isEmpty();
    }
}
