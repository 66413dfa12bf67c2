package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.backupmx.BackupMx;
import org.backupmx.event.MessageAccepted;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.event.RouteHeld;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.RecordingListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Three backup MX whose MX records point at each other, over real sockets (T8): mail never goes round. */
class BackupRingIT {

    private static final int NODES = 3;

    /** Port 25 of a node is the port that it got. */
    private final Map<InetAddress, Integer> ports = new ConcurrentHashMap<>();

    private final List<Node> nodes = new ArrayList<>();

    /** One backup MX. */
    private record Node(String name, SmtpServer server, PortMapping client, BackupMx mx, RecordingListener events) {

        void send() throws IOException {
            InetSocketAddress address = server.addresses().get(0);
            try (Socket socket = new Socket(address.getAddress(), address.getPort());
                    BufferedReader in = new BufferedReader(
                            new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))) {
                socket.setSoTimeout(20_000);
                assertThat(in.readLine()).startsWith("220");
                for (String line : List.of(
                        "HELO sender.test",
                        "MAIL FROM:<a@sender.test>",
                        "RCPT TO:<u@ring.test>",
                        "DATA",
                        "Subject: x\r\n\r\nbody\r\n.",
                        "QUIT")) {
                    socket.getOutputStream().write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
                    assertThat(in.readLine()).as(line).startsWith(line.equals("DATA") ? "354" : "2");
                }
            }
        }

        int accepted() {
            return events.events(MessageAccepted.class).size();
        }

        boolean holds() {
            return !events.events(RouteHeld.class).isEmpty();
        }
    }

    private static InetAddress address(int node) {
        try {
            return InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) (81 + node)});
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Starts a node whose DNS says this of {@code ring.test}: hosts {@code mx0} and so on, {@code x0} by another name. */
    private void start(int node, boolean knowsPeers, String... records) throws Exception {
        FakeMxResolver dns = new FakeMxResolver().mx("ring.test", records);
        OwnIdentity identity = OwnIdentity.named().withAddresses(List.of(address(node)));
        for (int i = 0; i < NODES; i++) {
            String text = address(i).getHostAddress();
            dns.host("mx" + i + ".test", text).host("x" + i + ".test", text);
            if (knowsPeers) {
                identity = identity.withAddresses(List.of(address(i)));
            }
        }
        SmtpServer server = SmtpServer.on(new InetSocketAddress(address(node), 0));
        PortMapping client = new PortMapping(SmtpClient.create(), ports);
        RecordingListener events = new RecordingListener();
        BackupMx mx = BackupMx.builder()
                .hostname("mx" + node + ".test")
                .relayDomains("ring.test")
                .ownIdentity(identity)
                .allowPrivateNextHops(true)
                .mxResolver(dns)
                .intakeServer(server)
                .relayClient(client)
                .spool(InMemorySpool.create())
                .listener(events)
                .build();
        nodes.add(new Node("mx" + node, server, client, mx, events));
        mx.start().toCompletableFuture().get(20, TimeUnit.SECONDS);
        ports.put(address(node), server.addresses().get(0).getPort());
    }

    @AfterEach
    void stop() {
        nodes.forEach(node -> node.mx().close());
    }

    private void sendToEach() throws IOException {
        for (Node node : nodes) {
            node.send();
        }
    }

    private void awaitAllHold() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> nodes.stream().allMatch(Node::holds));
    }

    private void assertNobodyRelays() {
        for (Node node : nodes) {
            assertThat(node.accepted()).as(node.name()).isEqualTo(1);
            assertThat(node.client().calls())
                    .as("attempts and probes of " + node.name())
                    .isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mx", "x"})
    void equalsKeepWhatTheyHave(String prefix) throws Exception {
        for (int i = 0; i < NODES; i++) {
            start(i, false, "10 " + prefix + "0.test", "10 " + prefix + "1.test", "10 " + prefix + "2.test");
        }
        sendToEach();
        awaitAllHold();
        assertNobodyRelays();
    }

    @Test
    void whoKnowsItsPeersSendsThemNothingEvenIfTheDnsNamesTheNextOneOnly() throws Exception {
        start(0, true, "10 mx1.test");
        start(1, true, "10 mx2.test");
        start(2, true, "10 mx0.test");
        sendToEach();
        awaitAllHold();
        assertNobodyRelays();
    }

    @Test
    void whoKnowsNoPeersSendsMailTowardsTheBestWhichKeepsIt() throws Exception {
        for (int i = 0; i < NODES; i++) {
            start(i, false, "10 mx0.test", "20 mx1.test", "30 mx2.test");
        }
        sendToEach();
        Node best = nodes.get(0);
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> best.accepted() == NODES && best.holds());
        assertThat(nodes.get(1).accepted()).isEqualTo(1);
        assertThat(nodes.get(2).accepted()).isEqualTo(1);
        assertThat(best.client().calls()).isZero();
        assertThat(nodes.get(1).events().events(RecipientRelayed.class)).hasSize(1);
        assertThat(nodes.get(2).events().events(RecipientRelayed.class)).hasSize(1);
    }
}
