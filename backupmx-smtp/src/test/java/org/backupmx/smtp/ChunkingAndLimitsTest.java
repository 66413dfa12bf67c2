package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.backupmx.smtp.testing.ReceivedMessage;
import org.backupmx.smtp.testing.RelayOutcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** BDAT, LIMITS, and what makes one session different from another (rows F10, F12, F16, A10). */
class ChunkingAndLimitsTest {

    private static final String RELAYED = "Relayed 250 2.0.0 Taken";

    private FakePrimary primary;
    private SmtpClient client;

    @BeforeEach
    void start() {
        primary = FakePrimary.start();
        client = SmtpClient.create();
        client.start().toCompletableFuture().join();
    }

    @AfterEach
    void stop() throws Exception {
        client.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        primary.close();
    }

    private String relay(byte[] body, String... recipients) throws Exception {
        return RelayOutcome.of(
                client, RelayOutcome.request(primary, "primary.test", RelaySettings.defaults(), body, recipients));
    }

    private static PrimaryBehaviour chunking(boolean pipelining) {
        return (pipelining ? accepting() : accepting().without("PIPELINING")).alsoOffering("CHUNKING");
    }

    private long count(String verb) {
        return primary.commands().stream().filter(line -> line.startsWith(verb)).count();
    }

    private static byte[] lines(int bytes) {
        byte[] body = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            body[i] = (byte) (i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : i % 64 == 0 ? '.' : 'a' + i % 23);
        }
        if (bytes >= 2) {
            body[bytes - 2] = '\r';
            body[bytes - 1] = '\n';
        }
        return body;
    }

    // ---- BDAT

    @ParameterizedTest
    @CsvSource({
        "true, 0, 1",
        "true, 42, 1",
        "true, 65535, 1",
        "true, 65536, 2",
        "true, 1000000, 16",
        "false, 0, 1",
        "false, 42, 1",
        "false, 65535, 1",
        "false, 65536, 0"
    })
    void f10_mailDataGoesByChunksOctetForOctet(boolean pipelining, int bytes, int chunks) throws Exception {
        primary.behaviour(chunking(pipelining));
        byte[] body = lines(bytes);

        assertThat(relay(body, "a@example.test", "b@example.test")).isEqualTo(RELAYED);
        assertThat(primary.messages())
                .singleElement()
                .satisfies(message -> assertThat(message.data()).isEqualTo(body));
        assertThat(count("BDAT")).isEqualTo(chunks);
        assertThat(count("DATA")).isEqualTo(chunks == 0 ? 1 : 0);
        assertThat(relay(body, "c@example.test")).as("next message").isEqualTo(RELAYED);
        assertThat(count("RSET")).isZero();
        assertThat(primary.connections()).isEqualTo(1);
    }

    @Test
    void aLastLineWithoutAnEndGetsOne() throws Exception {
        primary.behaviour(chunking(true));
        assertThat(relay("Subject: x\n\ny".getBytes(StandardCharsets.US_ASCII), "a@example.test"))
                .isEqualTo(RELAYED);
        assertThat(new String(primary.messages().get(0).data(), StandardCharsets.US_ASCII))
                .isEqualTo("Subject: x\r\n\r\ny\r\n");
    }

    @Test
    void itCanBeTurnedOff() throws Exception {
        stop();
        primary = FakePrimary.start().behaviour(chunking(true));
        client = SmtpClient.create().withChunking(false);
        client.start().toCompletableFuture().join();
        assertThat(relay(lines(42), "a@example.test")).isEqualTo(RELAYED);
        assertThat(count("DATA")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {42, 200_000})
    void f12_eachRecipientHasItsOwnOutcome(int bytes) throws Exception {
        primary.behaviour(chunking(true).at(Point.RCPT, line -> switch (line.charAt(9)) {
            case 'b' -> new Answer.Say("450 4.2.1 Busy\r\n");
            case 'c' -> new Answer.Say("550 5.1.1 Unknown\r\n");
            default -> null;
        }));
        assertThat(relay(lines(bytes), "a@example.test", "b@example.test", "c@example.test"))
                .isEqualTo(RELAYED + " | TransientFailure 450 4.2.1 Busy | PermanentFailure 550 5.1.1 Unknown");
        assertThat(primary.messages().get(0).forwardPaths()).containsExactly("a@example.test");
    }

    @ParameterizedTest
    @ValueSource(ints = {42, 200_000})
    void whereAllAreRefusedTheNextMessageGoesOn(int bytes) throws Exception {
        primary.behaviour(chunking(true).reply(Point.RCPT, "550 5.1.1 Unknown"));
        assertThat(relay(lines(bytes), "a@example.test")).isEqualTo("PermanentFailure 550 5.1.1 Unknown");
        primary.behaviour(chunking(true));
        assertThat(relay(lines(42), "a@example.test")).isEqualTo(RELAYED);
        assertThat(count("RSET")).isEqualTo(1);
        assertThat(primary.connections()).isEqualTo(1);
        assertThat(primary.messages()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "452 4.3.1 Full, TransientFailure 452 4.3.1 Full",
        "552 5.3.4 Too big, PermanentFailure 552 5.3.4 Too big",
        "503 5.5.1 What?, TransientFailure 451 4.5.0 Next hop does not understand us: 503 5.5.1 What?"
    })
    void aRefusedChunkEndsTheMessageAndNotTheConnection(String reply, String expected) throws Exception {
        primary.behaviour(chunking(true).reply(Point.BDAT, reply));
        assertThat(relay(lines(1_000_000), "a@example.test")).isEqualTo(expected);
        primary.behaviour(chunking(true));
        assertThat(relay(lines(42), "a@example.test")).isEqualTo(RELAYED);
        assertThat(primary.connections()).isEqualTo(1);
        assertThat(primary.messages()).hasSize(1);
    }

    @Test
    void whoOffersChunksAndKnowsNoneGetsTheMessageByData() throws Exception {
        primary.behaviour(accepting().alsoOffering("CHUNKING only said"));
        assertThat(relay(RelayOutcome.BODY, "a@example.test")).isEqualTo(RELAYED);
        assertThat(primary.connections()).isEqualTo(2);
        assertThat(relay(RelayOutcome.BODY, "b@example.test")).isEqualTo(RELAYED);
        assertThat(primary.connections()).as("remembered").isEqualTo(2);
        assertThat(count("BDAT")).isEqualTo(1);
        assertThat(primary.messages()).hasSize(2);
    }

    // ---- LIMITS

    @Test
    void a10_mailMaxIsKept() throws Exception {
        primary.behaviour(accepting().alsoOffering("LIMITS MAILMAX=2"));
        for (int i = 0; i < 5; i++) {
            assertThat(relay(RelayOutcome.BODY, "a@example.test")).isEqualTo(RELAYED);
        }
        assertThat(primary.connections()).isEqualTo(3);
    }

    @Test
    void a10_mailMaxWithinOneMessage() throws Exception {
        primary.behaviour(accepting().alsoOffering("LIMITS MAILMAX=2 RCPTMAX=2"));
        assertThat(relay(
                        RelayOutcome.BODY,
                        "a@example.test",
                        "b@example.test",
                        "c@example.test",
                        "d@example.test",
                        "e@example.test"))
                .isEqualTo(RELAYED);
        assertThat(primary.connections()).isEqualTo(2);
        assertThat(primary.messages())
                .extracting(ReceivedMessage::forwardPaths)
                .containsExactly(
                        List.of("a@example.test", "b@example.test"),
                        List.of("c@example.test", "d@example.test"),
                        List.of("e@example.test"));
    }

    @Test
    void whatWasDecidedStaysSoIfNoFurtherConnectionIsHad() throws Exception {
        int[] banners = {0};
        primary.behaviour(accepting()
                .alsoOffering("LIMITS MAILMAX=1 RCPTMAX=1")
                .at(Point.BANNER, line -> banners[0]++ == 0 ? null : new Answer.Say("554 5.7.1 Enough\r\n")));
        assertThat(relay(RelayOutcome.BODY, "a@example.test", "b@example.test"))
                .isEqualTo(
                        RELAYED + " | TransientFailure 451 4.3.0 Next hop refused another session: 554 5.7.1 Enough");
    }

    @Test
    void a10_rcptDomainMaxIsKept() throws Exception {
        primary.behaviour(accepting().alsoOffering("LIMITS RCPTDOMAINMAX=1"));
        assertThat(relay(RelayOutcome.BODY, "a@one.test", "b@two.test", "c@one.test"))
                .isEqualTo(RELAYED);
        assertThat(primary.messages())
                .extracting(ReceivedMessage::forwardPaths)
                .containsExactly(List.of("a@one.test", "c@one.test"), List.of("b@two.test"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "LIMITS RCPTMAX=0 MAILMAX=0 RCPTDOMAINMAX=0",
                "LIMITS RCPTMAX=x MAILMAX= RCPTDOMAINMAX",
                "LIMITS",
                "LIMITS RCPTMAX=99999999999 MAILMAX=-1",
                "SIZE 0",
                "SIZE banana",
                "PIPELINING PIPELINING",
                "AUTH",
                "AUTH=LOGIN"
            })
    void anOfferWithoutSenseIsNone(String line) throws Exception {
        primary.behaviour(accepting().alsoOffering(line));
        assertThat(relay(RelayOutcome.BODY, "a@one.test", "b@two.test")).isEqualTo(RELAYED);
        assertThat(primary.messages()).hasSize(1);
    }

    // ---- sessions

    @Test
    void aConnectionIsNeverUsedByOtherSettings() throws Exception {
        List<RelaySettings> all = List.of(
                RelaySettings.defaults(),
                RelaySettings.defaults().withTls(TlsPolicy.none()),
                RelaySettings.defaults().withHeloName("other.test"),
                RelaySettings.defaults().withSourceAddress(InetAddress.getLoopbackAddress()),
                RelaySettings.defaults().withCredentials(RelayCredentials.of("u", "p".toCharArray())));
        for (int round = 0; round < 2; round++) {
            for (RelaySettings settings : all) {
                String expected = settings.credentials().isEmpty() ? RELAYED : "NoSession HOST 451 4.7.8 No AUTH";
                assertThat(RelayOutcome.of(client, primary, settings)).startsWith(expected);
            }
        }
        assertThat(primary.connections())
                .as("each kept, and a refusal each round")
                .isEqualTo(6);
        assertThat(primary.commands()).contains("EHLO mx2.test", "EHLO other.test");
    }

    @Test
    void f16_connectionsComeFromTheSourceAddress() throws Exception {
        InetAddress source = InetAddress.getByAddress(new byte[] {127, 0, 0, 77});
        RelaySettings settings = RelaySettings.defaults().withSourceAddress(source);
        assertThat(RelayOutcome.of(client, primary, settings)).isEqualTo(RELAYED);
        assertThat(primary.clients())
                .singleElement()
                .extracting(address -> ((InetSocketAddress) address).getAddress())
                .isEqualTo(source);
    }

    @Test
    void f16_aSourceAddressThatIsNotOursIsNotThePrimarysFault() throws Exception {
        RelaySettings settings =
                RelaySettings.defaults().withSourceAddress(InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, 1}));
        assertThat(RelayOutcome.of(client, primary, settings))
                .isEqualTo("NoSession OURSELVES 451 4.3.5 Source address 192.0.2.1 cannot be used");
    }

    @Test
    void theBoundForOneAddressHoldsForAllSettingsTogether() throws Exception {
        stop();
        primary = FakePrimary.start();
        client = SmtpClient.create().withLimits(ClientLimits.defaults().withConnectionsPerNextHop(2));
        client.start().toCompletableFuture().join();
        List<CompletableFuture<RelayResult>> results = new ArrayList<>();
        int[] most = {0};
        primary.behaviour(accepting().at(Point.MAIL, line -> {
            synchronized (most) {
                most[0] = Math.max(most[0], primary.openConnections());
            }
            return null;
        }));
        for (int i = 0; i < 30; i++) {
            RelaySettings settings = RelaySettings.defaults().withHeloName("h" + i % 5 + ".test");
            results.add(client.relay(RelayOutcome.request(
                            primary, "primary.test", settings, RelayOutcome.BODY, "a@example.test"))
                    .toCompletableFuture());
        }
        for (CompletableFuture<RelayResult> result : results) {
            assertThat(RelayOutcome.text(result.get(20, TimeUnit.SECONDS))).isEqualTo(RELAYED);
        }
        assertThat(new HashSet<>(primary.commands())).contains("EHLO h0.test", "EHLO h4.test");
        assertThat(most[0]).as("one that is closing counted").isBetween(1, 3);
    }
}
