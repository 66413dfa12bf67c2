package org.backupmx.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LimitedExecutorTest {

    private final Queue<Runnable> given = new ArrayDeque<>();
    private final AtomicInteger ran = new AtomicInteger();

    @Test
    void noMoreThanTheLimitRunsAndTheRestFollows() {
        LimitedExecutor executor = new LimitedExecutor(given::add, 2);
        for (int i = 0; i < 10; i++) {
            executor.execute(ran::incrementAndGet);
        }
        assertThat(given).hasSize(2);
        given.remove().run();
        assertThat(ran).hasValue(9);
        given.remove().run();
        assertThat(ran).hasValue(10);
    }

    @Test
    void whatWaitsIsBounded() {
        LimitedExecutor executor = new LimitedExecutor(given::add, 1);
        for (int i = 0; i <= LimitedExecutor.MOST_WAITING; i++) {
            executor.execute(ran::incrementAndGet);
        }
        assertThatThrownBy(() -> executor.execute(ran::incrementAndGet)).isInstanceOf(RejectedExecutionException.class);
        given.remove().run();
        executor.execute(ran::incrementAndGet);
        given.remove().run();
        assertThat(ran).hasValue(LimitedExecutor.MOST_WAITING + 2);
    }

    @Test
    void aRefusalLeavesTheTurnFree() {
        AtomicInteger refusals = new AtomicInteger(1);
        LimitedExecutor executor = new LimitedExecutor(
                task -> {
                    if (refusals.getAndDecrement() > 0) {
                        throw new RejectedExecutionException("planned");
                    }
                    task.run();
                },
                1);
        assertThatThrownBy(() -> executor.execute(ran::incrementAndGet)).isInstanceOf(RejectedExecutionException.class);
        executor.execute(ran::incrementAndGet);
        assertThat(ran).hasValue(1);
    }
}
