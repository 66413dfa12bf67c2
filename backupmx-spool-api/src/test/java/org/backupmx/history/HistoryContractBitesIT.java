package org.backupmx.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.time.Instant;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.spool.testkit.HistoryAbility;
import org.backupmx.spool.testkit.HistoryStoreContract;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs the kit on history stores that are broken, and looks which rules fail. */
class HistoryContractBitesIT {

    /** A store that can be opened again, and shared: the storage is another store. */
    private static class Store implements HistoryStore {
        final HistoryStore storage;
        private volatile boolean closed;

        Store(HistoryStore storage) {
            this.storage = storage;
        }

        final HistoryStore storage() throws HistoryException {
            if (closed) {
                throw new HistoryException("closed");
            }
            return storage;
        }

        @Override
        public void append(String series, List<HistoryEntry> entries) throws HistoryException {
            storage().append(series, entries);
        }

        @Override
        public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
            return storage().read(series, from, to);
        }

        @Override
        public Optional<HistoryEntry> last(String series) throws HistoryException {
            return storage().last(series);
        }

        @Override
        public void replace(String series, Instant before, List<HistoryEntry> entries) throws HistoryException {
            storage().replace(series, before, entries);
        }

        @Override
        public Set<String> series() throws HistoryException {
            return storage().series();
        }

        @Override
        public void remove(String series) throws HistoryException {
            storage().remove(series);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    static class Sound implements HistoryStoreContract {

        HistoryStore over(HistoryStore storage) {
            return new Store(storage);
        }

        @Override
        public HistoryStore newHistory() {
            return over(HistoryStore.inMemory(10_000));
        }

        @Override
        public HistoryStore newHistory(int maxEntries) {
            return over(HistoryStore.inMemory(maxEntries));
        }

        @Override
        public HistoryStore reopen(HistoryStore closed) {
            return over(((Store) closed).storage);
        }

        @Override
        public HistoryStore kill(HistoryStore open) {
            return reopen(open);
        }

        @Override
        public HistoryStore share(HistoryStore open) {
            return reopen(open);
        }

        @Override
        public Set<HistoryAbility> historyAbilities() {
            return EnumSet.allOf(HistoryAbility.class);
        }
    }

    static class SortsByTime extends Sound {
        @Override
        HistoryStore over(HistoryStore storage) {
            return new Store(storage) {
                @Override
                public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
                    return super.read(series, from, to).stream()
                            .sorted(Comparator.comparing(HistoryEntry::at))
                            .toList();
                }
            };
        }
    }

    static class FoldsNames extends Sound {
        @Override
        HistoryStore over(HistoryStore storage) {
            return new Store(storage) {
                @Override
                public void append(String series, List<HistoryEntry> entries) throws HistoryException {
                    super.append(series.toLowerCase(Locale.ROOT), entries);
                }

                @Override
                public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
                    return super.read(series.toLowerCase(Locale.ROOT), from, to);
                }
            };
        }
    }

    static class ReplacesInTwoSteps extends Sound {
        @Override
        HistoryStore over(HistoryStore storage) {
            return new Store(storage) {
                private final AtomicInteger reads = new AtomicInteger();

                @Override
                public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
                    reads.incrementAndGet();
                    return super.read(series, from, to);
                }

                @Override
                public void replace(String series, Instant end, List<HistoryEntry> entries) throws HistoryException {
                    HistoryStore.checkReplacement(end, entries);
                    List<HistoryEntry> rest = read(series, end, Instant.MAX);
                    remove(series);
                    int before = reads.get();
                    for (int i = 0; i < 200_000 && reads.get() == before; i++) {
                        Thread.onSpinWait(); // for a reader, if there is one
                    }
                    append(series, entries);
                    append(series, rest);
                }
            };
        }
    }

    static class LosesTheLastEntryWithTheProcess extends Sound {
        @Override
        public HistoryStore kill(HistoryStore open) {
            HistoryStore storage = ((Store) open).storage;
            try {
                for (String series : storage.series()) {
                    List<HistoryEntry> all = storage.read(series, Instant.MIN, Instant.MAX);
                    storage.remove(series);
                    storage.append(series, all.subList(0, all.size() - 1));
                }
            } catch (HistoryException e) {
                throw new AssertionError(e);
            }
            return over(storage);
        }
    }

    static class KeepsNoBound extends Sound {
        @Override
        public HistoryStore newHistory(int maxEntries) {
            return newHistory();
        }
    }

    static class DropsWhatItHas extends Sound {
        @Override
        HistoryStore over(HistoryStore storage) {
            return new Store(storage) {
                @Override
                public void append(String series, List<HistoryEntry> entries) throws HistoryException {
                    for (HistoryEntry entry : entries) {
                        if (!super.read(series, Instant.MIN, Instant.MAX).contains(entry)) {
                            super.append(series, List.of(entry));
                        }
                    }
                    super.append(series, List.of());
                }
            };
        }
    }

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

    private static Results run(Class<? extends HistoryStoreContract> fixture) {
        Results results = new Results();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(fixture))
                .build();
        LauncherConfig config = LauncherConfig.builder()
                .enableTestExecutionListenerAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false)
                .build();
        LauncherFactory.create(config).execute(request, results);
        return results;
    }

    @Test
    void soundStoreKeepsEveryRule() {
        Results results = run(Sound.class);
        assertThat(results.failed).isEmpty();
        assertThat(results.passed).hasSizeGreaterThan(20).contains("h6_2_whatWasAppendedOutlivesTheProcess");
    }

    @Test
    void anotherOrderIsFound() {
        assertThat(run(SortsByTime.class).failed).contains("h1_4_anEarlierTimeIsTakenAndStandsWhereItWasAppended");
    }

    @Test
    void foldedNamesAreFound() {
        assertThat(run(FoldsNames.class).failed).containsExactly("h3_1_everyNameIsASeriesOfItsOwn");
    }

    @Test
    void aReplacementInTwoStepsIsFound() {
        assertThat(run(ReplacesInTwoSteps.class).failed).contains("h2_5_aReplacementIsSeenWholeOrNotAtAll");
    }

    @Test
    void aLostEntryIsFound() {
        assertThat(run(LosesTheLastEntryWithTheProcess.class).failed)
                .containsExactly("h6_2_whatWasAppendedOutlivesTheProcess");
    }

    @Test
    void aMissingBoundIsFound() {
        assertThat(run(KeepsNoBound.class).failed)
                .containsExactly(
                        "h4_1_whatWasAppendedFirstGoesWhenASeriesIsFull", "h4_2_moreAtOnceThanFitsLeavesItsEnd");
    }

    @Test
    void aDroppedEntryIsFound() {
        assertThat(run(DropsWhatItHas.class).failed).contains("h1_5_equalEntriesAreKeptEach");
    }
}
