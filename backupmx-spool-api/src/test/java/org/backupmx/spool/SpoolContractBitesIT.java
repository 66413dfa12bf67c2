package org.backupmx.spool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import org.backupmx.spool.testkit.SpoolContract;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs the kit on spools that are broken, and looks which rules fail. */
class SpoolContractBitesIT {

    private static final String MODEL = "historiesFollowTheModel";

    /** What a run of the kit came to. */
    private static final class Results implements TestExecutionListener {
        final Set<String> passed = new TreeSet<>();
        final Set<String> failed = new TreeSet<>();

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            if (test.isTest() && test.getSource().orElse(null) instanceof MethodSource method) {
                switch (result.getStatus()) {
                    case SUCCESSFUL -> passed.add(method.getMethodName());
                    case FAILED -> failed.add(method.getMethodName());
                    case ABORTED -> {}
                }
            }
        }
    }

    private static Results run(Class<? extends SpoolContract> fixture) {
        Results results = new Results();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectClass(fixture))
                .configurationParameter("jqwik.database", "target/jqwik-database-of-broken-spools")
                .configurationParameter("jqwik.shrinking.default", "OFF")
                .configurationParameter("jqwik.reporting.usejunitplatform", "true")
                .build();
        LauncherConfig config = LauncherConfig.builder()
                .enableTestExecutionListenerAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false)
                .build();
        LauncherFactory.create(config).execute(request, results);
        return results;
    }

    @Test
    void soundSpoolKeepsEveryRule() {
        Results results = run(BrokenSpools.Sound.class);

        assertThat(results.failed).isEmpty();
        assertThat(results.passed)
                .hasSizeGreaterThan(50)
                .contains(MODEL, "s7_8_lossOfPowerTakesNoCommittedMessageAndInventsNone");
    }

    @Test
    void lostCommitIsFound() {
        assertThat(run(BrokenSpools.LosesTheLastCommit.class).failed)
                .contains(
                        "s7_1_closedSpoolHoldsEveryCommittedMessage",
                        "s7_2_lastCommitBeforeTheCloseIsThere",
                        "s7_5_closeCompletesCommitsUnderWay",
                        MODEL)
                .doesNotContain("s7_8_lossOfPowerTakesNoCommittedMessageAndInventsNone");
    }

    @Test
    void answerBeforeTheMessageIsDurableIsFound() {
        assertThat(run(BrokenSpools.AnswersBeforeItIsDurable.class).failed)
                .contains("s7_8_lossOfPowerTakesNoCommittedMessageAndInventsNone")
                .doesNotContain("s7_2_lastCommitBeforeTheCloseIsThere", MODEL);
    }

    @Test
    void secondLeaseIsFound() {
        assertThat(run(BrokenSpools.LeasesTwice.class).failed)
                .contains("s3_10_messageIsLeasedOnceAtATimeInALane", "s6_6_writersAndLeasersWorkAtOnce", MODEL);
    }

    @Test
    void lateSettlementIsFound() {
        assertThat(run(BrokenSpools.SettlesAfterTheEnd.class).failed)
                .contains("s4_7_settlingAtOrAfterTheEndIsRefusedAndChangesNothing", MODEL);
    }

    @Test
    void mendedLineEndsAreFound() {
        assertThat(run(BrokenSpools.MendsLineEnds.class).failed).contains("s5_2_anyOctetMayStandAnywhere");
    }

    @Test
    void foldedLocalPartsAreFound() {
        assertThat(run(BrokenSpools.FoldsLocalParts.class).failed).contains("s1_3_envelopeIsGivenBackAsItWas", MODEL);
    }
}
