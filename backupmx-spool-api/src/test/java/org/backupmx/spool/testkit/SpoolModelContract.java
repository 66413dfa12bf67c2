package org.backupmx.spool.testkit;

import java.util.List;
import java.util.function.Function;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import org.backupmx.mail.MailDomain;

/**
 * Random histories of one spool, compared with a simple model after every step. Run by jqwik, which prints the seed
 * and shrinks a history that fails.
 *
 * <p>The optional interfaces take part if the spool has them, closing and opening again if it is
 * {@link SpoolAbility#PERSISTENT}.
 */
public interface SpoolModelContract extends SpoolFixture {

    /** The lanes of the histories. */
    List<MailDomain> DOMAINS =
            List.of(MailDomain.of("a.example"), MailDomain.of("b.example"), MailDomain.of("[192.0.2.7]"));

    /**
     * Runs a history.
     *
     * @param history what is done, in order
     * @throws Exception if the spool is not what the model is
     */
    @Property(tries = 60)
    default void historiesFollowTheModel(@ForAll("histories") List<SpoolStep> history) throws Exception {
        try (SpoolHistory run = new SpoolHistory(this)) {
            for (SpoolStep step : history) {
                run.perform(step);
                run.compare();
            }
        }
    }

    /**
     * Returns histories of up to 50 steps.
     *
     * @return histories
     */
    @Provide
    default Arbitrary<List<SpoolStep>> histories() {
        Arbitrary<Integer> picks = Arbitraries.integers().between(0, 9);
        Arbitrary<Integer> seconds = Arbitraries.of(0, 1, 5, 30, 60, 300, 3600);
        Arbitrary<Integer> sizes = Arbitraries.of(0, 1, 100, 4096, 70_000);
        Arbitrary<SpoolStep> begin = Combinators.combine(
                        MailArbitraries.envelopes(Arbitraries.of(DOMAINS)), seconds, sizes)
                .as(SpoolStep.Begin::new);
        Arbitrary<SpoolStep> lease = Combinators.combine(
                        Arbitraries.of(DOMAINS), seconds, seconds, Arbitraries.of(1, 2, 5, 100))
                .as(SpoolStep.Lease::new);
        Arbitrary<SpoolStep> settle = Combinators.combine(
                        picks,
                        Arbitraries.of(SpoolStep.Outcome.class).list().ofSize(6),
                        MailArbitraries.replies(),
                        seconds,
                        Arbitraries.of(true, true, false))
                .as(SpoolStep.Settle::new);
        return Arbitraries.frequencyOf(
                        Tuple.of(6, begin),
                        Tuple.of(3, Combinators.combine(picks, sizes).as(SpoolStep.Write::new)),
                        Tuple.of(6, one(picks, SpoolStep.Commit::new)),
                        Tuple.of(1, one(picks, SpoolStep.Abandon::new)),
                        Tuple.of(4, one(seconds, SpoolStep.Advance::new)),
                        Tuple.of(6, lease),
                        Tuple.of(2, Combinators.combine(picks, seconds).as(SpoolStep.Renew::new)),
                        Tuple.of(6, settle),
                        Tuple.of(1, one(picks, SpoolStep.Hold::new)),
                        Tuple.of(1, one(picks, SpoolStep.Release::new)),
                        Tuple.of(1, one(picks, SpoolStep.Delete::new)),
                        Tuple.of(1, Combinators.combine(picks, seconds).as(SpoolStep.Reschedule::new)),
                        Tuple.of(1, Combinators.combine(picks, seconds).as(SpoolStep.Reset::new)),
                        Tuple.of(
                                1,
                                Combinators.combine(Arbitraries.of(DOMAINS), seconds)
                                        .as(SpoolStep.RescheduleLane::new)),
                        Tuple.of(1, Arbitraries.just(SpoolStep.Reopen.INSTANCE)))
                .list()
                .ofMaxSize(50)
                .withSizeDistribution(RandomDistribution.uniform());
    }

    private static Arbitrary<SpoolStep> one(Arbitrary<Integer> numbers, Function<Integer, SpoolStep> step) {
        return numbers.map(step);
    }
}
