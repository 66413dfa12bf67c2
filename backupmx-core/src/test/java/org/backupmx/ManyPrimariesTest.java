package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.testing.FakeRelayClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many primaries, and many domains of one, on virtual time. */
class ManyPrimariesTest {

    private static final byte[] MAIL = "Subject: hello\r\n\r\nbody\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int PRIMARIES = 1_000;
    private static final int EACH = 20;

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void spool(String recipient) throws SpoolException {
        Envelope envelope = Envelope.from(ReversePath.parse("a@sender.test"))
                .to(Recipient.of(ForwardPath.parse(recipient)))
                .build();
        try (SpoolWriter writer = engine.spool.begin(envelope, engine.time.now())) {
            writer.write(ByteBuffer.wrap(MAIL));
            writer.commit().toCompletableFuture().join();
        }
    }

    /** An attempt takes 20 ms; at a black hole, which answers probes, 30 s. */
    private CompletableFuture<RelayResult> later(RelayRequest request, int blackHoles) {
        CompletableFuture<RelayResult> result = new CompletableFuture<>();
        String[] address = request.nextHop().nextHop().host().split("\\.", -1);
        int number = Integer.parseInt(address[2]) * 250 + Integer.parseInt(address[3]) - 1;
        if (number % 10 == 0 && number / 10 < blackHoles) {
            engine.time.schedule(
                    () -> result.complete(
                            new RelayResult.NoSession(FakeRelayClient.UNREACHABLE, RelayResult.About.ADDRESS)),
                    30,
                    TimeUnit.SECONDS);
        } else {
            engine.time.schedule(
                    () -> engine.client.answer(request).thenAccept(result::complete), 20, TimeUnit.MILLISECONDS);
        }
        return result;
    }

    private Duration drain(int blackHoles) throws SpoolException {
        engine.builder.relayDomains(RelayDomains.of(IntStream.range(0, PRIMARIES)
                .mapToObj(i -> RelayDomain.of("d" + i + ".test")
                        .withNextHops(List.of(NextHop.parse("127.3." + i / 250 + "." + (1 + i % 250) + ":25"))))
                .toList()));
        engine.client.script(request -> later(request, blackHoles));
        for (int i = 0; i < PRIMARIES * EACH; i++) {
            spool("u" + i + "@d" + i % PRIMARIES + ".test");
        }
        int healthy = EACH * (PRIMARIES - blackHoles);
        Instant began = engine.time.now();
        engine.start();
        while (engine.client.relayed().size() < healthy * 0.99) { // the last ones are not the rate
            engine.time.advance(Duration.ofMillis(100));
            assertThat(Duration.between(began, engine.time.now())).isLessThan(Duration.ofMinutes(10));
        }
        Duration took = Duration.between(began, engine.time.now());
        engine.time.advance(Duration.ofMinutes(1)); // the last attempts end
        return took;
    }

    @Test
    void aHundredBlackHolesLeaveTheOthersTheirRate() throws Exception {
        double without = drain(0).toMillis();
        assertThat(engine.mx.snapshot().queued()).isZero();
        ManyPrimariesTest other = new ManyPrimariesTest();
        double with = other.drain(100).toMillis();
        other.engine.client.resume();
        other.engine.time.advance(Duration.ofMinutes(1));
        other.engine.client.script(request -> CompletableFuture.completedFuture(
                new RelayResult.NoSession(FakeRelayClient.UNREACHABLE, RelayResult.About.ADDRESS)));
        other.engine.time.advance(Duration.ofMinutes(1));
        other.stop();
        assertThat(0.9 * without / with)
                .as("messages a second, of what they were")
                .isGreaterThanOrEqualTo(0.9 * 0.9);
    }

    @Test
    void domainsOfOnePrimaryGetItsAttemptsInTurn() throws Exception {
        NextHop primary = NextHop.parse("127.3.0.2:25");
        engine.builder.relayDomains(RelayDomains.of(List.of(
                RelayDomain.of("many.test").withNextHops(List.of(primary)),
                RelayDomain.of("few.test").withNextHops(List.of(primary)))));
        engine.client.script(request -> later(request, 0));
        for (int i = 0; i < 2_000; i++) {
            spool("u" + i + "@many.test");
        }
        for (int i = 0; i < 100; i++) {
            spool("u" + i + "@few.test");
        }
        engine.start();
        engine.time.advance(Duration.ofMinutes(5));
        List<String> order = engine.client.relayed().stream()
                .map(relayed -> relayed.recipient().toString())
                .toList();
        assertThat(order).hasSize(2_100);
        int last = 0;
        for (int i = 0; i < order.size(); i++) {
            last = order.get(i).endsWith("@few.test") ? i : last;
        }
        assertThat(last).as("a hundred of each in turn").isLessThan(250);
    }
}
