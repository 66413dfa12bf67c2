package org.backupmx.spool.testkit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Set;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;

/**
 * What the kit asks about the spool under test: how to make one, and which abilities it has.
 *
 * <p>A test of a rule that needs an ability which is not stated is reported as skipped, with the ability's name; it
 * never passes unseen.
 */
public interface SpoolFixture {

    /**
     * Makes an open, empty spool over storage of its own. The kit closes the spool; the fixture removes the storage.
     * May be called several times in a test.
     *
     * @return the spool
     * @throws Exception if that fails, and the test with it
     */
    Spool newSpool() throws Exception;

    /**
     * States what the spool can do. A spool that forgets everything when it is closed says so by leaving out
     * {@link SpoolAbility#PERSISTENT}.
     *
     * @return every ability that it has
     */
    Set<SpoolAbility> abilities();

    /**
     * Opens the storage of a closed spool again.
     *
     * @param closed a spool of this fixture, closed
     * @return an open spool over the same storage
     * @throws Exception if that fails, and the test with it
     */
    default Spool reopen(Spool closed) throws Exception {
        throw unsupported(SpoolAbility.PERSISTENT);
    }

    /**
     * Ends a spool as a loss of power would, with all that was not durable lost, and opens its storage again.
     *
     * @param open an open spool of this fixture, useless afterwards
     * @return an open spool over the same storage
     * @throws Exception if that fails, and the test with it
     */
    default Spool crash(Spool open) throws Exception {
        throw unsupported(SpoolAbility.CRASHABLE);
    }

    /**
     * Opens the storage of an open spool a second time.
     *
     * @param open an open spool of this fixture
     * @return another open spool over the same storage
     * @throws Exception if that fails, and the test with it
     */
    default Spool share(Spool open) throws Exception {
        throw unsupported(SpoolAbility.SHAREABLE);
    }

    /**
     * Makes a spool with little room.
     *
     * @param capacityBytes about how much mail data fits, in bytes
     * @return an open, empty spool over storage of its own
     * @throws Exception if that fails, and the test with it
     */
    default Spool newSpool(long capacityBytes) throws Exception {
        throw unsupported(SpoolAbility.BOUNDED);
    }

    /**
     * Changes at least one stored octet of a message's mail data.
     *
     * @param closed a spool of this fixture, closed
     * @param id a message in it
     * @throws Exception if that fails, and the test with it
     */
    default void damage(Spool closed, SpoolId id) throws Exception {
        throw unsupported(SpoolAbility.DAMAGEABLE);
    }

    /**
     * Makes the next commit of a spool fail.
     *
     * @param open an open spool of this fixture
     * @throws Exception if that fails, and the test with it
     */
    default void failNextCommit(Spool open) throws Exception {
        throw unsupported(SpoolAbility.COMMIT_FAULTS);
    }

    /**
     * Ends a test as skipped, by name, if an ability is not stated.
     *
     * @param ability the ability that the test needs
     */
    default void needs(SpoolAbility ability) {
        assumeTrue(abilities().contains(ability), () -> getClass().getSimpleName() + " does not state " + ability);
    }

    private UnsupportedOperationException unsupported(SpoolAbility ability) {
        return new UnsupportedOperationException(
                getClass().getSimpleName() + " states " + abilities() + ", asked for " + ability);
    }
}
