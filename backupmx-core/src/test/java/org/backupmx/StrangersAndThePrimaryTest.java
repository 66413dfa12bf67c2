package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.NextHop;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Row T30, proof 5: whatever strangers do at our door, a thousand recipients in each second, the primary sees at most
 * one probe in 30 s.
 */
class StrangersAndThePrimaryTest {

    private static final int A_SECOND = 1_000;
    private static final int DOMAINS = 50;

    private final VirtualEngine engine = new VirtualEngine();
    private final List<Instant> probes = new ArrayList<>();
    private FakeIntakeServer.Client client;
    private int accepted;

    @BeforeEach
    void start() {
        List<NextHop> primary = List.of(NextHop.parse("127.0.0.50:2500"));
        List<RelayDomain> domains = new ArrayList<>();
        for (int i = 0; i < DOMAINS; i++) {
            domains.add(RelayDomain.of("d" + i + ".test").withNextHops(primary));
        }
        domains.add(RelayDomain.of("*.wild.test").withNextHops(primary));
        engine.builder.mode(DomainMode.MONITORING).relayDomains(RelayDomains.of(domains));
        engine.start();
        client = engine.server.connect();
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    /** Notes probes that were made since the last time; two at one instant would be noted as two. */
    private void note() {
        for (int i = probes.size(); i < engine.client.probes().size(); i++) {
            probes.add(engine.time.now());
        }
    }

    /** What all strangers say in a second, in ten steps, each recipient in a transaction of its own. */
    private List<CompletionStage<Verdict>> aSecond(int second, boolean wild) {
        List<CompletionStage<Verdict>> asked = new ArrayList<>();
        IntakeSession session = client.session();
        for (int i = 0; i < A_SECOND; i++) {
            session.mail(ReversePath.parse("x@s" + (second * A_SECOND + i) % 977 + ".test"), MailParameters.none());
            String domain = wild ? "h" + second + "-" + i + ".wild.test" : "d" + i % DOMAINS + ".test";
            asked.add(session.rcpt(ForwardPath.parse("u" + i % 101 + "@" + domain), RcptParameters.none()));
            if (i % 100 == 99) {
                engine.time.advance(Duration.ofMillis(100));
                note();
            }
        }
        return asked;
    }

    private int accepted(List<CompletionStage<Verdict>> asked) {
        return (int) asked.stream()
                .filter(stage -> stage.toCompletableFuture().join() instanceof Verdict.Accept)
                .count();
    }

    private void assertSpaced() {
        for (int i = 1; i < probes.size(); i++) {
            assertThat(Duration.between(probes.get(i - 1), probes.get(i)))
                    .as("probe %s of %s", i, probes)
                    .isGreaterThanOrEqualTo(Duration.ofSeconds(30));
        }
    }

    @Test
    void t30_aPrimaryThatIsUp() {
        note();
        for (int second = 0; second < 120; second++) {
            accepted += accepted(aSecond(second, false));
        }
        assertSpaced();
        assertThat(probes).hasSizeBetween(2, 5);
        assertThat(accepted).isZero();
    }

    @Test
    void t30_randomSubdomains() {
        note();
        for (int second = 0; second < 22; second++) {
            accepted += accepted(aSecond(second, true));
        }
        assertSpaced();
        assertThat(accepted).isZero();
        assertThat(engine.mx.health().domains()).as("watched").hasSizeLessThanOrEqualTo(DOMAINS + 20_000);
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.mx.health().domains()).as("and forgotten").hasSize(DOMAINS);
    }

    @Test
    void t30_aPrimaryThatIsDown() {
        engine.client.allDown();
        engine.time.advance(Duration.ofMinutes(30));
        probes.clear();
        for (int i = 0; i < engine.client.probes().size(); i++) {
            probes.add(Instant.EPOCH.plus(Duration.ofDays(i)));
        }
        for (int second = 0; second < 60; second++) {
            accepted += accepted(aSecond(second, false));
        }
        assertSpaced();
        assertThat(accepted).isEqualTo(60 * A_SECOND);
    }

    @Test
    void t30_aPrimaryThatNeverAnswers() {
        engine.time.advance(Duration.ofMinutes(1));
        probes.clear();
        for (int i = 0; i < engine.client.probes().size(); i++) {
            probes.add(Instant.EPOCH.plus(Duration.ofDays(i)));
        }
        engine.client.stallProbes();
        List<List<CompletionStage<Verdict>>> asked = new ArrayList<>();
        for (int second = 0; second < 30; second++) {
            asked.add(aSecond(second, false));
            if (second >= 5) {
                accepted += accepted(asked.get(second - 5));
            }
        }
        assertSpaced();
        assertThat(accepted).as("after five seconds each").isEqualTo(25 * A_SECOND);
    }
}
