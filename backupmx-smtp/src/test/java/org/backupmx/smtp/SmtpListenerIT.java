package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Listeners of one server on loopback sockets, and whom they take for the client. */
class SmtpListenerIT {

    private static final SmtpListener PLAIN =
            SmtpListener.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    private static final SmtpListener BEHIND_PROXY = PLAIN.proxyNetworks(IpNetwork.of("127.0.0.0/8"));

    private final ScriptedIntake intake = new ScriptedIntake();
    private final List<Socket> open = new ArrayList<>();
    private SmtpServer server = SmtpServer.on(List.of(PLAIN));

    @AfterEach
    void stop() throws Exception {
        for (Socket socket : open) {
            socket.close();
        }
        server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.openSessions()).isZero();
    }

    private List<InetSocketAddress> start(SmtpServer recipe) throws Exception {
        server = recipe;
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        return server.addresses();
    }

    /** Connects, says {@code first} at once, and returns the first line of the answer, "" at the end. */
    private String connect(InetSocketAddress address, String first) throws IOException {
        Socket socket = new Socket(address.getAddress(), address.getPort());
        open.add(socket);
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(first.getBytes(StandardCharsets.US_ASCII));
        String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                .readLine();
        return line == null ? "" : line;
    }

    private static String header(String client) {
        return "PROXY TCP4 " + client + " 203.0.113.25 4711 25\r\n";
    }

    @Test
    void a13_oneListenerTakesProxiesAndTheOtherDoesNot() throws Exception {
        List<InetSocketAddress> addresses = start(SmtpServer.on(List.of(PLAIN, BEHIND_PROXY)));
        assertThat(connect(addresses.get(1), header("203.0.113.9"))).startsWith("220 ");
        assertThat(connect(addresses.get(1), "EHLO a\r\n")).isEmpty();
        assertThat(connect(addresses.get(0), "EHLO a\r\n")).startsWith("220 ");
        assertThat(intake.clients())
                .extracting(client -> client.remote().getAddress().getHostAddress())
                .containsExactly("203.0.113.9", "127.0.0.1");
        assertThat(intake.clients())
                .extracting(ClientInfo::local)
                .containsExactly(new InetSocketAddress("203.0.113.25", 25), addresses.get(0));
    }

    @Test
    void a13_theShareIsTheClientsAndNotTheProxys() throws Exception {
        InetSocketAddress address = start(SmtpServer.on(List.of(BEHIND_PROXY))
                        .limits(SmtpLimits.builder()
                                .connections(7)
                                .connectionsPerClient(2)
                                .build()))
                .get(0);
        assertThat(connect(address, header("203.0.113.1"))).startsWith("220 ");
        assertThat(connect(address, header("203.0.113.1"))).startsWith("220 ");
        assertThat(connect(address, header("203.0.113.1"))).startsWith("421 4.7.0");
        open.get(2).close();
        assertThat(connect(address, header("203.0.113.2"))).startsWith("220 ");
        // the proxy for itself
        for (int i = 0; i < 3; i++) {
            assertThat(connect(address, "PROXY UNKNOWN\r\n")).startsWith("220 ");
        }
        // all of them are connections; the last one is not asked who its client is
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() ->
                        assertThat(connect(address, header("203.0.113.3"))).startsWith("220 "));
        assertThat(connect(address, header("203.0.113.4"))).startsWith("421 4.3.2");
        open.get(0).close();
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() ->
                        assertThat(connect(address, header("203.0.113.1"))).startsWith("220 "));
    }

    // ---- addresses ----

    private static SmtpListener at(String address, int port) throws Exception {
        return SmtpListener.at(new InetSocketAddress(InetAddress.getByName(address), port));
    }

    @Test
    void a20_allOfIpv6TakesIpv4TooAndKnowsItsClientsByIt() throws Exception {
        int port = start(SmtpServer.on(List.of(at("::", 0)))).get(0).getPort();
        assertThat(connect(at("127.0.0.1", port).address(), "")).startsWith("220 ");
        assertThat(connect(at("::1", port).address(), "")).startsWith("220 ");
        assertThat(intake.clients())
                .extracting(client -> client.remote().getAddress().getHostAddress())
                .containsExactly("127.0.0.1", "0:0:0:0:0:0:0:1");
    }

    @Test
    void a20_allOfIpv4IsNotIpv6() throws Exception {
        int port = start(SmtpServer.on(List.of(at("0.0.0.0", 0)))).get(0).getPort();
        assertThat(connect(at("127.0.0.1", port).address(), "")).startsWith("220 ");
        assertThatThrownBy(() -> connect(at("::1", port).address(), "")).isInstanceOf(ConnectException.class);
    }

    @Test
    void a20_bothMayBeListedForOnePort() throws Exception {
        int port = freePort();
        for (List<SmtpListener> both :
                List.of(List.of(at("0.0.0.0", port), at("::", port)), List.of(at("::", port), at("0.0.0.0", port)))) {
            assertThat(start(SmtpServer.on(both)))
                    .containsExactly(at("::", port).address());
            assertThat(connect(at("127.0.0.1", port).address(), "QUIT\r\n")).startsWith("220 ");
            assertThat(connect(at("::1", port).address(), "QUIT\r\n")).startsWith("220 ");
            server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
        SmtpListener covered = at("0.0.0.0", port);
        for (SmtpListener differing :
                List.of(covered.proxyNetworks(IpNetwork.of("192.0.2.1")), covered.acceptsMail(false))) {
            assertThatThrownBy(() -> start(SmtpServer.on(List.of(at("::", port), differing))))
                    .hasMessageContaining("cannot listen on 0.0.0.0:" + port + ": [::]:" + port
                            + " takes IPv4 as well (expected: the same settings for both)");
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    @Test
    void anAddressThatCannotBeHadFreesTheOthersAndSaysWhatToDo() throws Exception {
        int port = freePort();
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            SmtpServer failing = SmtpServer.on(List.of(at("127.0.0.1", port), at("127.0.0.1", taken.getLocalPort())));
            assertThatThrownBy(() -> start(failing))
                    .hasMessageContaining("cannot listen on 127.0.0.1:" + taken.getLocalPort()
                            + ": Address already in use (expected: a free port; `ss -ltnp` shows who has it)");
        }
        new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();
        assertThatThrownBy(() -> start(SmtpServer.on(List.of(at("192.0.2.1", port)))))
                .hasMessageContaining("cannot listen on 192.0.2.1:" + port + ": Cannot assign requested address"
                        + " (expected: an address of this machine; `ip address` shows them)");
    }

    @Test
    void a13_aSilentProxyIsClosedOnByTheClock() throws Exception {
        AtomicLong nanos = new AtomicLong();
        InetSocketAddress address =
                start(SmtpServer.on(List.of(BEHIND_PROXY)).nanoTime(nanos::get)).get(0);
        Socket silent = new Socket(address.getAddress(), address.getPort());
        open.add(silent);
        silent.setSoTimeout(20_000);
        assertThat(connect(address, header("203.0.113.9"))).startsWith("220 "); // so both are there
        nanos.addAndGet(Duration.ofSeconds(6).toNanos());
        assertThat(silent.getInputStream().read()).isEqualTo(-1);
        assertThat(connect(address, header("203.0.113.9"))).startsWith("220 ");
    }

    @Test
    void a18_aListenerThatAcceptsNoMailStandsBesideOneThatDoes() throws Exception {
        List<InetSocketAddress> addresses = start(SmtpServer.on(List.of(PLAIN, PLAIN.acceptsMail(false)))
                .limits(SmtpLimits.builder().connections(1).build()));
        for (int i = 0; i < 250; i++) {
            assertThat(connect(addresses.get(1), "")).startsWith("521 5.3.2 ");
        }
        assertThat(connect(addresses.get(0), "")).startsWith("220 ");
        int kept = 0;
        for (Socket socket : open.subList(0, 250)) {
            socket.setSoTimeout(1);
            try {
                assertThat(socket.getInputStream().read()).isEqualTo(-1);
            } catch (SocketTimeoutException e) {
                kept++;
            }
        }
        assertThat(kept).isEqualTo(200);
    }
}
