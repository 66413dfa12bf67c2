package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelaySettings;
import org.backupmx.smtp.testing.CutProxy;
import org.backupmx.smtp.testing.CutProxy.Way;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.ReceivedMessage;
import org.backupmx.smtp.testing.RelayOutcome;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Row X14: the connection is cut after every octet of the dialogue, in both directions, and the message sent again until it
 * is relayed. Nothing is lost; it arrives twice only where the primary had taken it and its reply was not read, with the
 * same octets, and then the first outcome was {@code Unknown}.
 *
 * <p>With {@code -Dbackupmx.cut.every=N} only one octet in N is cut at, chosen by a seed that is printed.
 */
@Timeout(120)
class CutDialogueIT {

    private static final int EVERY = Integer.getInteger("backupmx.cut.every", 1);

    /** A fresh connection for each message, or one that has served before. */
    private static SmtpClient client(boolean kept) {
        SmtpClient client = SmtpClient.create()
                .withLimits(ClientLimits.defaults().withMessagesPerConnection(kept ? 2 : 1))
                .withTimeouts(ClientTimeouts.rfc5321().withAttempt(Duration.ofSeconds(10)));
        client.start().toCompletableFuture().join();
        return client;
    }

    private static RelayRequest request(CutProxy proxy, FakePrimary primary) {
        RelayRequest direct = RelayOutcome.request(
                primary,
                "primary.test",
                RelaySettings.defaults(),
                RelayOutcome.BODY,
                "a@example.test",
                "b@example.test");
        return new RelayRequest(
                new NextHopAddress(new NextHop("primary.test", proxy.port()), primary.address()),
                direct.hostname(),
                direct.envelope(),
                direct.recipients(),
                direct.mailData());
    }

    @ParameterizedTest(name = "pipelining {0}, chunking {1}, kept connection {2}")
    @CsvSource({
        "true, false, false",
        "false, false, false",
        "true, true, false",
        "false, true, false",
        "true, false, true",
        "true, true, true"
    })
    void x14_nothingIsLostAndADuplicateIsKnownToBePossible(boolean pipelining, boolean chunking, boolean kept)
            throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        PrimaryBehaviour behaviour = PrimaryBehaviour.accepting();
        behaviour = pipelining ? behaviour : behaviour.without("PIPELINING");
        behaviour = chunking ? behaviour.alsoOffering("CHUNKING") : behaviour;
        SmtpClient client = client(kept);
        Tally tally = new Tally();
        try (FakePrimary primary = FakePrimary.start().behaviour(behaviour);
                CutProxy proxy = CutProxy.before(primary)) {
            for (Way way : Way.values()) {
                long length = length(client, proxy, primary, way, kept);
                for (long cut = random.nextInt(EVERY); cut < length; cut += EVERY) {
                    cutAt(client, proxy, primary, way, cut, kept, tally);
                }
            }
        } finally {
            client.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        }
        System.out.println(tally);
        assertThat(tally.cuts).isGreaterThan(kept ? 150 / EVERY : 300 / EVERY);
        assertThat(tally.duplicates).isLessThanOrEqualTo(tally.unknown);
        if (EVERY == 1) {
            assertThat(tally.duplicates)
                    .as("the reply to the end of mail data is that long")
                    .isPositive();
        }
    }

    private static final class Tally {
        int cuts;
        int relayed;
        int unknown;
        int duplicates;

        @Override
        public String toString() {
            return cuts + " cuts, " + relayed + " relayed all the same, " + unknown + " unknown outcomes, " + duplicates
                    + " duplicates, 0 lost";
        }
    }

    /** How many octets go that way for one message, until its outcome is known. */
    private static long length(SmtpClient client, CutProxy proxy, FakePrimary primary, Way way, boolean kept)
            throws Exception {
        warmUp(client, proxy, primary, kept);
        proxy.uncut();
        assertThat(RelayOutcome.of(client, request(proxy, primary))).startsWith("Relayed");
        long length = proxy.passed(way);
        primary.awaitNoConnection(Duration.ofSeconds(5));
        return length;
    }

    private static void warmUp(SmtpClient client, CutProxy proxy, FakePrimary primary, boolean kept) throws Exception {
        proxy.uncut();
        for (boolean warm = !kept; !warm; ) {
            // the connection that was dropped just now may be taken for a good one
            warm = RelayOutcome.of(client, request(proxy, primary)).startsWith("Relayed");
        }
        primary.clear();
    }

    private static void cutAt(
            SmtpClient client, CutProxy proxy, FakePrimary primary, Way way, long cut, boolean kept, Tally tally)
            throws Exception {
        warmUp(client, proxy, primary, kept);
        proxy.cut(way, cut, cut % 2 == 0);
        String first = RelayOutcome.of(client, request(proxy, primary));
        proxy.uncut();
        String last = first;
        for (int i = 0; !last.startsWith("Relayed"); i++) {
            assertThat(i)
                    .as("attempts after a cut at %s %d: %s", way, cut, last)
                    .isLessThan(3);
            last = RelayOutcome.of(client, request(proxy, primary));
        }
        primary.dropConnections();
        primary.awaitNoConnection(Duration.ofSeconds(5));
        List<ReceivedMessage> messages = primary.messages();
        tally.cuts++;
        tally.relayed += first.startsWith("Relayed") ? 1 : 0;
        tally.unknown += first.startsWith("Unknown") ? 1 : 0;
        tally.duplicates += messages.size() - 1;
        assertThat(first)
                .as("cut at %s %d", way, cut)
                .matches("(Relayed 250|NoSession ADDRESS 451|TransientFailure 451|Unknown 451) .*");
        assertThat(messages)
                .as("cut at %s %d: %s", way, cut, first)
                .hasSizeBetween(1, first.startsWith("Unknown") ? 2 : 1)
                .allSatisfy(message -> {
                    assertThat(message.data()).isEqualTo(RelayOutcome.BODY);
                    assertThat(message.forwardPaths()).containsExactly("a@example.test", "b@example.test");
                });
    }
}
