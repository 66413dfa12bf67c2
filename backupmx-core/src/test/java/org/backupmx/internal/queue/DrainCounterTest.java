package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.RecipientState;
import org.junit.jupiter.api.Test;

class DrainCounterTest {

    private static final MailDomain DOMAIN = MailDomain.of("a.example");
    private static final Instant AT = Instant.parse("2026-11-30T12:00:00Z");
    private static final RecipientState RELAYED = new RecipientState.Relayed(SmtpReply.of(250, "2.0.0", "Ok"), AT);
    private static final RecipientState FAILED = new RecipientState.Failed(SmtpReply.of(550, "5.1.1", "Unknown"), AT);
    private static final RecipientState DEFERRED = new RecipientState.Deferred(SmtpReply.of(450, "4.2.1", "Later"), AT);

    private long nanos = Long.MAX_VALUE - Duration.ofMinutes(3).toNanos(); // a clock that runs over is none of ours
    private final DrainCounter counter = new DrainCounter(() -> nanos);

    private void pass(Duration time) {
        nanos += time.toNanos();
    }

    @Test
    void countsMessagesByTheirEnd() {
        counter.settled(DOMAIN, false, List.of(RELAYED, FAILED));
        counter.settled(DOMAIN, false, List.of(FAILED));
        counter.settled(DOMAIN, true, List.of(DEFERRED, RELAYED));
        counter.settled(MailDomain.of("b.example"), true, List.of(DEFERRED));

        DrainCounter.Drained drained = counter.drained(DOMAIN);
        assertThat(drained.sent()).isEqualTo(1);
        assertThat(drained.failed()).isEqualTo(1);
        assertThat(drained.deferred()).isEqualTo(1);
        assertThat(counter.domains()).hasSize(2);
        assertThat(counter.drained(MailDomain.of("c.example"))).isEqualTo(DrainCounter.Drained.NOTHING);
    }

    @Test
    void aRateIsThatOfTheLastMinuteOrSinceTheFirst() {
        for (int i = 0; i < 200; i++) { // ten a second, 20 s long
            counter.settled(DOMAIN, false, List.of(RELAYED));
            pass(Duration.ofMillis(100));
        }
        assertThat(counter.drained(DOMAIN).perSecond()).isCloseTo(10, within(0.1));
        for (int i = 0; i < 160; i++) { // two a second, 80 s long
            counter.settled(DOMAIN, false, List.of(RELAYED));
            pass(Duration.ofMillis(500));
        }
        assertThat(counter.drained(DOMAIN).perSecond()).isCloseTo(2, within(0.1));
        pass(Duration.ofSeconds(30));
        assertThat(counter.drained(DOMAIN).perSecond()).isCloseTo(1, within(0.2));
        pass(Duration.ofSeconds(31));
        assertThat(counter.drained(DOMAIN).perSecond()).isZero();
        assertThat(counter.drained(DOMAIN).sent()).isEqualTo(360);
    }

    @Property
    void aRateIsNeverAbsurd(@ForAll @Size(max = 300) List<@IntRange(max = 20_000) Integer> pauses) {
        DrainCounter fresh = new DrainCounter(() -> nanos);
        for (int pause : pauses) {
            fresh.settled(DOMAIN, false, List.of(RELAYED));
            pass(Duration.ofMillis(pause));
            assertThat(fresh.drained(DOMAIN).perSecond()).isBetween(0.0, (double) pauses.size());
        }
        assertThat(fresh.drained(DOMAIN).sent()).isEqualTo(pauses.size());
    }

    @Test
    void whatWasQuietForAnHourIsForgottenAndThereAreNotMoreThanSoMany() {
        for (int i = 0; i < DrainCounter.MOST + 10; i++) {
            counter.settled(MailDomain.of("d" + i + ".example"), false, List.of(RELAYED));
        }
        assertThat(counter.domains()).hasSize(DrainCounter.MOST);
        pass(Duration.ofMinutes(61));
        counter.settled(DOMAIN, false, List.of(RELAYED));
        assertThat(counter.domains()).containsExactly(DOMAIN);
    }
}
