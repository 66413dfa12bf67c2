package org.backupmx.spool.testkit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Set;
import org.backupmx.history.HistoryStore;

/**
 * What the kit asks about the history store under test: how to make one, and which abilities it has. As with
 * {@link SpoolFixture}, a test that needs an ability which is not stated is reported as skipped.
 */
public interface HistoryFixture {

    /**
     * Makes an open, empty store over storage of its own, with room for 10,000 entries in a series at least. The kit
     * closes it; the fixture removes the storage. May be called several times in a test.
     *
     * @return the store
     * @throws Exception if that fails, and the test with it
     */
    HistoryStore newHistory() throws Exception;

    /**
     * States what the store can do.
     *
     * @return every ability that it has
     */
    Set<HistoryAbility> historyAbilities();

    /**
     * Makes a store whose series are bounded.
     *
     * @param maxEntries the most entries of a series
     * @return an open, empty store over storage of its own
     * @throws Exception if that fails, and the test with it
     */
    default HistoryStore newHistory(int maxEntries) throws Exception {
        throw unsupported(HistoryAbility.BOUNDED);
    }

    /**
     * Opens the storage of a closed store again.
     *
     * @param closed a store of this fixture, closed
     * @return an open store over the same storage
     * @throws Exception if that fails, and the test with it
     */
    default HistoryStore reopen(HistoryStore closed) throws Exception {
        throw unsupported(HistoryAbility.PERSISTENT);
    }

    /**
     * Ends a store as the death of its process would, and opens its storage again.
     *
     * @param open an open store of this fixture, useless afterwards
     * @return an open store over the same storage
     * @throws Exception if that fails, and the test with it
     */
    default HistoryStore kill(HistoryStore open) throws Exception {
        throw unsupported(HistoryAbility.KILLABLE);
    }

    /**
     * Opens the storage of an open store a second time.
     *
     * @param open an open store of this fixture
     * @return another open store over the same storage
     * @throws Exception if that fails, and the test with it
     */
    default HistoryStore share(HistoryStore open) throws Exception {
        throw unsupported(HistoryAbility.SHAREABLE);
    }

    /**
     * Ends a test as skipped, by name, if an ability is not stated.
     *
     * @param ability the ability that the test needs
     */
    default void needs(HistoryAbility ability) {
        assumeTrue(
                historyAbilities().contains(ability), () -> getClass().getSimpleName() + " does not state " + ability);
    }

    private UnsupportedOperationException unsupported(HistoryAbility ability) {
        return new UnsupportedOperationException(
                getClass().getSimpleName() + " states " + historyAbilities() + ", asked for " + ability);
    }
}
