package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.backupmx.relay.DeliveryHours;
import org.backupmx.relay.DeliveryRate;
import org.junit.jupiter.api.Test;

class DrainEstimateTest {

    private static final Instant NOON = Instant.parse("2026-11-30T12:00:00Z");
    private static final DeliveryRate UNLIMITED = DeliveryRate.unlimited();

    private static Optional<Duration> eta(DeliveryRate rate, long left, long bytes, double perSecond) {
        Instant opens = rate.hours().next(NOON);
        return new DrainEstimate(rate, Optional.of(opens).filter(next -> next.isAfter(NOON)))
                .eta(left, bytes, perSecond, NOON);
    }

    @Test
    void theRestTakesWhatItTakesOrNobodyKnows() {
        assertThat(eta(UNLIMITED, 100, 1, 3)).contains(Duration.ofSeconds(34));
        assertThat(eta(UNLIMITED, 100, 1, 0)).isEmpty();
        assertThat(eta(UNLIMITED, 0, 0, 3)).isEmpty();
        assertThat(eta(UNLIMITED, Long.MAX_VALUE, 1, 1e-9)).isEmpty();
    }

    @Test
    void capsAllowNoMore() {
        DeliveryRate rate = UNLIMITED.withMessagesPerMinute(60);
        assertThat(eta(rate, 600, 1, 100)).contains(Duration.ofMinutes(10));
        assertThat(eta(rate, 600, 1, 0.5)).contains(Duration.ofMinutes(20));
        assertThat(eta(rate, 600, 1, 0)).isEmpty();
        assertThat(eta(rate.withBytesPerMinute(100_000), 600, 6_000_000, 100)).contains(Duration.ofHours(1));
    }

    @Test
    void workGoesOnInTheHoursOnly() {
        DeliveryRate evenings = UNLIMITED.withHours(DeliveryHours.parse("18:00-20:00 UTC"));
        assertThat(eta(evenings, 100, 1, 3)).as("no cap: nobody knows").isEmpty();
        assertThat(eta(evenings.withMessagesPerMinute(1), 60, 1, 0)).contains(Duration.ofHours(7));
        assertThat(eta(evenings.withMessagesPerMinute(1), 180, 1, 0))
                .as("the last hour is tomorrow's")
                .contains(Duration.ofHours(31));
        DeliveryRate now = UNLIMITED.withHours(DeliveryHours.parse("11:30-12:30 UTC"));
        assertThat(eta(now, 3_600, 1, 1)).contains(Duration.ofHours(24));
    }
}
