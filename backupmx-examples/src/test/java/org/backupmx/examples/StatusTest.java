package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.DomainMode;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.QueueSnapshot;
import org.backupmx.relay.NextHop;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

class StatusTest {

    private static final Instant NOW = Instant.parse("2026-11-30T12:00:00Z");
    private static final SmtpReply NO_TLS = SmtpReply.of(451, "4.7.5", "STARTTLS not offered, and TLS is demanded");

    private static DomainHealth health(String domain, PrimaryHealth found, Optional<SmtpReply> demandNotMet) {
        return new DomainHealth(
                MailDomain.of(domain),
                DomainMode.ALWAYS,
                found,
                found,
                NOW.minus(Duration.ofDays(1)),
                "as found",
                false,
                Optional.of(NOW.minusSeconds(12)),
                Optional.of(NOW.plusSeconds(18)),
                List.of(NextHop.parse("127.0.0.50:2500")),
                Optional.empty(),
                HealthOverride.auto(),
                List.of(),
                demandNotMet);
    }

    private static QueueSnapshot.DomainQueue queue(
            String domain, long queued, long held, long expired, long deadLetters, long rescue) {
        return new QueueSnapshot.DomainQueue(
                MailDomain.of(domain),
                queued,
                held,
                expired,
                deadLetters,
                rescue,
                queued * 1000,
                Duration.ofHours(3),
                Optional.of(NOW.plusSeconds(90)),
                0,
                Optional.empty(),
                PrimaryHealth.UP);
    }

    private static Status status(List<DomainHealth> healths, QueueSnapshot.DomainQueue... queues) {
        return Status.of(healths, new QueueSnapshot(NOW, List.of(queues)));
    }

    private static List<List<String>> cells(Status status) {
        return status.table().stream().map(line -> List.of(line.split(" {2,}"))).toList();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> json(Status status) {
        Map<String, Object> all = (Map<String, Object>)
                new Load(LoadSettings.builder().build()).loadFromString(String.join("\n", status.json()));
        return ((List<Map<String, Object>>) all.get("domains")).get(0);
    }

    @Test
    void mailInRescueAndUndeliveredMailHaveTheirColumns() {
        Status status = status(
                List.of(),
                queue("a.test", 10, 5, 1, 2, 3), // and two that an operator holds
                queue("b.test", 1, 0, 0, 0, 0));
        assertThat(cells(status).get(0))
                .containsExactly(
                        "domain",
                        "mode",
                        "state",
                        "since",
                        "last probe",
                        "queued",
                        "rescue",
                        "undelivered",
                        "oldest",
                        "next attempt",
                        "notes");
        assertThat(cells(status).get(1))
                .containsExactly("a.test", "-", "-", "-", "-", "10", "3", "3", "3h", "in 1m 30s", "2 held");
        assertThat(cells(status).get(2))
                .containsExactly("b.test", "-", "-", "-", "-", "1", "0", "0", "3h", "in 1m 30s");
        assertThat(json(status))
                .containsEntry("queued", 10)
                .containsEntry("held", 5)
                .containsEntry("expired", 1)
                .containsEntry("deadLetters", 2)
                .containsEntry("rescue", 3);
    }

    @Test
    void columnsWithoutAnythingAreLeftOut() {
        assertThat(cells(status(List.of(), queue("a.test", 3, 1, 1, 0, 0))).get(0))
                .contains("undelivered")
                .doesNotContain("rescue");
        assertThat(cells(status(List.of(), queue("a.test", 3, 1, 0, 0, 1))).get(0))
                .contains("rescue")
                .doesNotContain("undelivered");
        assertThat(cells(status(List.of(), queue("a.test", 3, 1, 0, 0, 0))).get(0))
                .containsExactly(
                        "domain", "mode", "state", "since", "last probe", "queued", "oldest", "next attempt", "notes");
    }

    @Test
    void allColumnsButTheNotesFitIntoOneHundredAndTwenty() {
        Status status = status(
                List.of(health("example.org", PrimaryHealth.UP, Optional.of(NO_TLS))),
                queue("example.org", 123_456, 5, 1, 2, 3));
        assertThat(status.table().get(0).indexOf("notes")).isBetween(80, 120);
    }

    @Test
    void aDomainWhoseDemandIsNotMetHasAStateOfItsOwn() {
        Status unmet = status(List.of(health("a.test", PrimaryHealth.UP, Optional.of(NO_TLS))));
        assertThat(cells(unmet).get(1)).contains("UP, unmet").endsWith("demand not met: " + NO_TLS);
        assertThat(json(unmet)).containsEntry("state", "UP").containsEntry("demandNotMet", NO_TLS.toString());

        Status away = status(List.of(health("a.test", PrimaryHealth.DOWN, Optional.of(NO_TLS))));
        assertThat(cells(away).get(1)).contains("DOWN").endsWith("as found");

        Status met = status(List.of(health("a.test", PrimaryHealth.UP, Optional.empty())));
        assertThat(cells(met).get(1)).contains("UP").doesNotContain("UP, unmet");
        assertThat(json(met)).doesNotContainKey("demandNotMet");
    }
}
