package org.backupmx.history;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.EnumSet;
import java.util.Set;
import org.backupmx.spool.testkit.HistoryAbility;
import org.backupmx.spool.testkit.HistoryStoreContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InMemoryHistoryTest implements HistoryStoreContract {

    @Override
    public HistoryStore newHistory() {
        return HistoryStore.inMemory(10_000);
    }

    @Override
    public HistoryStore newHistory(int maxEntries) {
        return HistoryStore.inMemory(maxEntries);
    }

    @Override
    public Set<HistoryAbility> historyAbilities() {
        return EnumSet.of(HistoryAbility.BOUNDED);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 10_000_001})
    void aBoundOutOfRangeIsRefused(int maxEntries) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HistoryStore.inMemory(maxEntries))
                .withMessage("maxEntries: " + maxEntries + " (expected: 1 to 10000000)");
    }

    @Test
    void theGreatestBoundIsTaken() throws Exception {
        HistoryStore.inMemory(10_000_000).close();
    }
}
