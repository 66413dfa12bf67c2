package org.backupmx.greylist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.junit.jupiter.api.Test;

class GreylistPolicyTest {

    private static final Instant START = Instant.parse("2026-11-22T12:00:00Z");
    private static final Duration DELAY = Duration.ofMinutes(5);

    private final GreylistPolicy policy = GreylistPolicy.inMemory(DELAY);

    private static GreylistTriplet triplet(String client, String from, String to) {
        try {
            return new GreylistTriplet(InetAddress.getByName(client), ReversePath.parse(from), ForwardPath.parse(to));
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static GreylistTriplet mail(int n) {
        return triplet("192.0.2.1", "a" + n + "@example.net", "b@example.org");
    }

    private boolean passes(GreylistTriplet triplet, Duration after) {
        return policy.decide(triplet, START.plus(after)) instanceof GreylistDecision.Pass;
    }

    private static Duration minutes(long minutes) {
        return Duration.ofMinutes(minutes);
    }

    @Test
    void offLetsEverythingPass() {
        assertThat(GreylistPolicy.off().decide(mail(1), START)).isEqualTo(new GreylistDecision.Pass());
        assertThat(GreylistPolicy.off().mayBlock()).isFalse();
    }

    @Test
    void theFirstAttemptWaitsAndTheDelayRunsFromIt() {
        assertThat(policy.decide(mail(1), START)).isEqualTo(new GreylistDecision.Wait(DELAY));
        assertThat(policy.decide(mail(1), START.plusSeconds(100)))
                .isEqualTo(new GreylistDecision.Wait(Duration.ofSeconds(200)));
        assertThat(policy.decide(mail(1), START.plusMillis(299_999)))
                .isEqualTo(new GreylistDecision.Wait(Duration.ofMillis(1)));
        assertThat(passes(mail(1), minutes(5))).isTrue();
        assertThat(passes(mail(1), minutes(5))).isTrue();
    }

    @Test
    void eachPartOfTheTripletCounts() {
        assertThat(passes(mail(1), minutes(0))).isFalse();
        assertThat(passes(triplet("192.0.2.1", "a2@example.net", "b@example.org"), minutes(6)))
                .isFalse();
        assertThat(passes(triplet("192.0.2.1", "a1@example.net", "c@example.org"), minutes(6)))
                .isFalse();
        assertThat(passes(triplet("192.0.3.1", "a1@example.net", "b@example.org"), minutes(6)))
                .isFalse();
        assertThat(passes(triplet("192.0.2.1", "", "b@example.org"), minutes(6)))
                .isFalse();
        assertThat(passes(mail(1), minutes(6))).isTrue();
    }

    @Test
    void clientsOfOneNetworkAndPathsInAnotherCaseAreTheSame() {
        assertThat(passes(triplet("192.0.2.1", "A@example.net", "b@example.org"), minutes(0)))
                .isFalse();
        assertThat(passes(triplet("192.0.2.254", "a@EXAMPLE.net", "B@example.org"), minutes(6)))
                .isTrue();
        assertThat(passes(triplet("2001:db8:0:1::1", "a@example.net", "b@example.org"), minutes(0)))
                .isFalse();
        assertThat(passes(triplet("2001:db8:0:1:ffff::2", "a@example.net", "b@example.org"), minutes(6)))
                .isTrue();
        assertThat(passes(triplet("2001:db8:0:2::1", "a@example.net", "b@example.org"), minutes(6)))
                .isFalse();
    }

    @Test
    void aRetryAfterTheWindowIsAFirstAttemptAgain() {
        assertThat(passes(mail(1), minutes(0))).isFalse();
        assertThat(passes(mail(1), Duration.ofHours(24))).isFalse();
        assertThat(passes(mail(1), Duration.ofHours(24).plus(DELAY))).isTrue();
    }

    @Test
    void aPassIsKeptFromItsLastUse() {
        assertThat(passes(mail(1), minutes(0))).isFalse();
        assertThat(passes(mail(1), minutes(5))).isTrue();
        assertThat(passes(mail(1), Duration.ofDays(36))).isTrue();
        assertThat(passes(mail(1), Duration.ofDays(71))).isTrue();
        assertThat(passes(mail(1), Duration.ofDays(108))).isFalse();
    }

    @Test
    void aNetworkOfThreePassesIsAllowedUntilItStaysAway() {
        for (int n = 1; n <= 3; n++) {
            assertThat(passes(mail(n), minutes(0))).isFalse();
        }
        assertThat(passes(mail(1), minutes(5))).isTrue();
        // The same triplet over and over is one pass.
        assertThat(passes(mail(1), minutes(6))).isTrue();
        assertThat(passes(mail(1), minutes(7))).isTrue();
        assertThat(passes(mail(2), minutes(8))).isTrue();
        assertThat(passes(mail(9), minutes(9))).isFalse();
        assertThat(passes(mail(3), minutes(10))).isTrue();
        assertThat(passes(mail(10), minutes(11))).isTrue();
        assertThat(passes(triplet("198.51.100.1", "a@example.net", "b@example.org"), minutes(11)))
                .isFalse();
        assertThat(passes(mail(11), Duration.ofDays(36))).as("in use").isTrue();
        assertThat(passes(mail(12), Duration.ofDays(73))).as("away for long").isFalse();
    }

    @Test
    void aClockSetBackDoesNotMakeClientsWaitForEver() {
        assertThat(passes(mail(1), Duration.ofDays(100))).isFalse();
        assertThat(policy.decide(mail(1), START)).isEqualTo(new GreylistDecision.Wait(DELAY));
        assertThat(passes(mail(1), minutes(5))).isTrue();
    }

    @Test
    void theStoreIsBounded() {
        GreylistStore store = GreylistStore.inMemory(100);
        GreylistPolicy small = GreylistPolicy.of(GreylistRules.of(DELAY), store);
        assertThat(small.mayBlock()).isFalse();
        IntStream.range(0, 10_000).forEach(n -> small.decide(mail(n), START));
        long waited = IntStream.range(0, 10_000)
                .filter(n -> small.decide(mail(n), START.plus(DELAY)) instanceof GreylistDecision.Pass)
                .count();
        assertThat(waited).isBetween(0L, 110L);
    }

    @Test
    void keysAreDigestsOfOneLength() {
        List<String> keys = new CopyOnWriteArrayList<>();
        GreylistStore memory = GreylistStore.inMemory(100);
        GreylistStore recording = new GreylistStore() {
            @Override
            public Optional<GreylistEntry> find(String key) {
                keys.add(key);
                return memory.find(key);
            }

            @Override
            public GreylistEntry update(String key, Function<Optional<GreylistEntry>, GreylistEntry> change) {
                keys.add(key);
                return memory.update(key, change);
            }
        };
        GreylistPolicy shared = GreylistPolicy.of(GreylistRules.of(DELAY), recording);
        assertThat(shared.mayBlock()).isTrue();
        shared.decide(triplet("2001:db8::1", "a@example.net", "b".repeat(60) + "@example.org"), START);
        assertThat(keys).hasSize(2).doesNotHaveDuplicates().allMatch(key -> key.matches("[A-Za-z0-9_-]{22}"));
    }

    @Test
    void manyAtOnceSeeOneFirstAttempt() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Callable<GreylistDecision>> same = IntStream.range(0, 400)
                    .<Callable<GreylistDecision>>mapToObj(n -> () -> policy.decide(mail(1), START.plusMillis(n)))
                    .toList();
            for (Future<GreylistDecision> decision : threads.invokeAll(same)) {
                assertThat(decision.get()).isInstanceOf(GreylistDecision.Wait.class);
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void rulesRefuseWhatMakesNoSense() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GreylistRules.of(Duration.ZERO))
                .withMessage("delay: PT0S (expected: 1 s to 6 h)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GreylistRules(DELAY, DELAY, Duration.ofDays(36), 3))
                .withMessageStartingWith("window: PT5M");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GreylistRules(DELAY, Duration.ofDays(2), Duration.ofDays(1), 3))
                .withMessageStartingWith("keep: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GreylistRules(DELAY, Duration.ofDays(1), Duration.ofDays(1), 0))
                .withMessage("passesToAllow: 0 (expected: >= 1)");
        assertThatIllegalArgumentException().isThrownBy(() -> GreylistStore.inMemory(0));
    }
}
