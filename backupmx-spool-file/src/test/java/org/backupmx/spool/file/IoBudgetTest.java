package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class IoBudgetTest {

    private long now = Long.MAX_VALUE - 5;
    private final IoBudget budget = new IoBudget(1_000, () -> now);

    private void pass(long millis) {
        now += TimeUnit.MILLISECONDS.toNanos(millis);
    }

    @Test
    void aSecondsWorthIsFreeAtOnce() {
        budget.spend(1_000);
        assertThat(budget.nanosToWait()).isZero();
        budget.spend(1);
        assertThat(budget.nanosToWait()).isEqualTo(TimeUnit.MILLISECONDS.toNanos(1));
    }

    @Test
    void debtIsPaidWithTime() {
        budget.spend(3_000);
        assertThat(budget.nanosToWait()).isEqualTo(TimeUnit.SECONDS.toNanos(2));
        pass(1_500);
        assertThat(budget.nanosToWait()).isEqualTo(TimeUnit.MILLISECONDS.toNanos(500));
        pass(500);
        assertThat(budget.nanosToWait()).isZero();
    }

    @Test
    void noMoreThanASecondsWorthIsSavedUp() {
        pass(3_600_000);
        assertThat(budget.nanosToWait()).isZero();
        budget.spend(2_000);
        assertThat(budget.nanosToWait()).isEqualTo(TimeUnit.SECONDS.toNanos(1));
    }

    @Test
    void timeTooShortForAByteIsNotLost() {
        budget.spend(1_001);
        for (int i = 0; i < 100; i++) {
            now += 10_000;
            budget.nanosToWait();
        }
        assertThat(budget.nanosToWait()).isZero();
    }
}
