package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The admin socket and who comes there without good manners. */
@Timeout(60)
class AdminServerTest {

    private static final Duration LONG = Duration.ofSeconds(50);

    @TempDir
    Path folder;

    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable one : opened) {
            one.close();
        }
    }

    private Path path() {
        return folder.resolve("admin.sock");
    }

    private AdminServer open(Duration timeout, AdminServer.Requests requests) throws IOException {
        AdminServer server = AdminServer.open(path(), requests, timeout);
        opened.add(server);
        return server;
    }

    private SocketChannel connect() throws IOException {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path()));
        opened.add(client);
        return client;
    }

    private String ask(String request) throws IOException {
        SocketChannel client = connect();
        try {
            client.write(ByteBuffer.wrap(request.getBytes(ISO_8859_1)));
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("Broken pipe"); // refused already, the answer is there
        }
        return readAll(client);
    }

    /** What was left unread on the other side resets the connection behind the answer. */
    private static String readAll(SocketChannel client) {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        ByteBuffer piece = ByteBuffer.allocate(4096);
        try {
            while (client.read(piece) >= 0) {
                answer.write(piece.array(), 0, piece.position());
                piece.clear();
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("reset");
        }
        return answer.toString(ISO_8859_1);
    }

    @Test
    void aRequestIsALineAndAnAnswerTellsHowManyLinesItHas() throws Exception {
        open(LONG, (request, by) -> List.of("you said", request));
        assertThat(ask("a b c\n")).isEqualTo("ok 2\nyou said\na b c\n");
        assertThat(ask("first\nsecond\n")).isEqualTo("ok 2\nyou said\nfirst\n");
        assertThat(ask("\n")).isEqualTo("ok 2\nyou said\n\n");
        assertThat(ask("x".repeat(16_383) + "\n")).hasSize("ok 2\nyou said\n".length() + 16_384);
    }

    @Test
    void faultsAreOneLine() throws Exception {
        open(LONG, (request, by) -> {
            if (request.equals("wrong")) {
                throw new IllegalArgumentException("\"wrong\"\n(expected: right)");
            }
            throw new IOException("no disk");
        });
        assertThat(ask("wrong\n")).isEqualTo("refused \"wrong\" (expected: right)\n");
        assertThat(ask("other\n")).isEqualTo("failed no disk\n");
    }

    @Test
    void whatIsNoLineOfTextIsRefused() throws Exception {
        open(LONG, (request, by) -> List.of(request));
        String tooLong = "refused request: no end of line (expected: one line of at most 16384 octets)\n";
        assertThat(ask("x".repeat(16_384))).isEqualTo(tooLong);
        assertThat(ask("x".repeat(100_000) + "\n")).isEqualTo(tooLong);
        SocketChannel cut = connect();
        cut.write(ByteBuffer.wrap("status".getBytes(ISO_8859_1)));
        cut.shutdownOutput();
        assertThat(readAll(cut)).isEqualTo(tooLong);
        String noText = "refused request: not text (expected: words in UTF-8)\n";
        assertThat(ask("\0\1\2\n")).isEqualTo(noText);
        assertThat(ask("status \u00ff\u00fe\n")).isEqualTo(noText);
        assertThat(ask("status\r\n")).isEqualTo(noText);
    }

    @Test
    void noEscapeSequenceReachesATerminal() throws Exception {
        open(LONG, (request, by) -> List.of("\033[2Jbanner\r\n500"));
        assertThat(ask("probe\n")).isEqualTo("ok 1\n?[2Jbanner??500\n");
    }

    @Test
    void onlyItsUserMayOpenIt() throws Exception {
        open(LONG, (request, by) -> List.of(request));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path())))
                .isEqualTo("rw-------");
    }

    @Test
    void clientsThatSayNothingAreSentAwayAndOthersAreServedAgain() throws Exception {
        open(Duration.ofMillis(300), (request, by) -> List.of(request));
        List<SocketChannel> silent = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            silent.add(connect());
        }
        List<String> heard = silent.stream().map(AdminServerTest::readAll).toList();
        assertThat(heard).allMatch(answer -> answer.isEmpty() || answer.equals("failed busy: 8 requests at a time\n"));
        assertThat(heard).filteredOn(String::isEmpty).hasSizeGreaterThanOrEqualTo(8);
        assertThat(heard).anyMatch(answer -> answer.startsWith("failed busy"));
        assertThat(ask("status\n")).isEqualTo("ok 1\nstatus\n");
    }

    @Test
    void aBusyServerIsToldByTheCommands() throws Exception {
        CountDownLatch enough = new CountDownLatch(1);
        open(LONG, (request, by) -> {
            enough.await();
            return List.of();
        });
        for (int i = 0; i < 8; i++) {
            connect();
        }
        StringWriter err = new StringWriter();
        CommandLine command = ReferenceServer.commandLine().setErr(new PrintWriter(err, true));
        assertThat(command.execute("status", "--socket", path().toString())).isEqualTo(1);
        assertThat(err.toString().strip()).isEqualTo("backupmx-server: busy: 8 requests at a time");
        enough.countDown();
    }

    @Test
    void aClientThatReadsNothingIsSentAway() throws Exception {
        String large = "x".repeat(1 << 20);
        open(Duration.ofMillis(300), (request, by) -> List.of(large));
        List<SocketChannel> deaf = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            SocketChannel client = connect();
            client.write(ByteBuffer.wrap("status\n".getBytes(ISO_8859_1)));
            deaf.add(client);
        }
        Awaitility.await().until(() -> ask("status\n").startsWith("ok 1\n")); // so one of them has gone
        assertThat(deaf).map(AdminServerTest::readAll).anyMatch(answer -> answer.length() < large.length());
    }

    @Test
    void theEndWaitsForNobody() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        boolean[] interrupted = new boolean[1];
        CountDownLatch done = new CountDownLatch(1);
        AdminServer server = open(LONG, (request, by) -> {
            asked.countDown();
            try {
                never.await();
            } catch (InterruptedException e) {
                interrupted[0] = true;
            }
            done.countDown();
            return List.of();
        });
        SocketChannel silent = connect();
        SocketChannel asking = connect();
        asking.write(ByteBuffer.wrap("status\n".getBytes(ISO_8859_1)));
        asked.await();
        long begin = System.nanoTime();
        server.close();
        assertThat(readAll(silent)).isEmpty();
        assertThat(readAll(asking)).isEmpty();
        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(20));
        assertThat(path()).doesNotExist();
        never.countDown();
        done.await();
        assertThat(interrupted[0]).as("interrupted, which would close files").isFalse();
    }

    @Test
    void whatAKilledServerLeftIsReplaced() throws Exception {
        try (ServerSocketChannel killed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            killed.bind(UnixDomainSocketAddress.of(path()));
        }
        assertThat(path()).exists();
        open(LONG, (request, by) -> List.of(request));
        assertThat(ask("status\n")).isEqualTo("ok 1\nstatus\n");
    }

    @Test
    void aSocketInUseIsLeftAlone() throws Exception {
        open(LONG, (request, by) -> List.of(request));
        assertThatThrownBy(() -> open(LONG, (request, by) -> List.of("second")))
                .isInstanceOf(IOException.class)
                .hasMessage("admin socket " + path() + ": in use by a server that runs (expected: one of its own)");
        assertThat(ask("status\n")).isEqualTo("ok 1\nstatus\n");
    }

    @Test
    void aFileIsLeftAlone() throws Exception {
        Files.writeString(path(), "precious");
        assertThatThrownBy(() -> open(LONG, (request, by) -> List.of(request)))
                .hasMessage("admin socket " + path() + ": is a file or a directory (expected: a socket, or nothing)");
        assertThat(path()).hasContent("precious");
    }

    @Test
    void theEndLeavesTheSocketOfAnotherServerAlone() throws Exception {
        AdminServer first = open(LONG, (request, by) -> List.of(request));
        Files.delete(path());
        open(LONG, (request, by) -> List.of("second"));
        first.close();
        assertThat(ask("status\n")).isEqualTo("ok 1\nsecond\n");
    }
}
