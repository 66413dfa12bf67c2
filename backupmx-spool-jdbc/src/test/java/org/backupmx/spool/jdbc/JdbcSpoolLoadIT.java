package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Large messages and many messages, on each kind of database. */
class JdbcSpoolLoadIT {

    private static final int MESSAGES = 5_000;
    private static final int THREADS = 8;
    private static final int LARGE_BYTES = 60 * 1024 * 1024 + 17;
    private static final int BLOCK = 64 * 1024;

    static Stream<Named<Supplier<TestDatabase>>> onDisk() {
        return Stream.of(
                Named.of("H2 in a file", () -> TestDatabase.h2InFile(2)),
                Named.of("PostgreSQL", () -> TestDatabase.postgreSql(2)));
    }

    static Stream<Named<Supplier<TestDatabase>>> quick() {
        return Stream.of(
                Named.of("H2 in memory", () -> TestDatabase.h2InMemory(2)),
                Named.of("PostgreSQL", () -> TestDatabase.postgreSql(2)));
    }

    private static void assertGivenBack(TestDatabase database) {
        assertThat(database.dataSource.openConnections()).isZero();
        assertThat(database.dataSource.openStatements()).isZero();
    }

    @ParameterizedTest
    @MethodSource("onDisk")
    void largeMessagePassesInChunks(Supplier<TestDatabase> databases) throws Exception {
        try (TestDatabase database = databases.get();
                JdbcSpool spool = database.open()) {
            byte[] block = octets(BLOCK, 7);
            SpoolId id;
            try (SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START)) {
                for (int left = LARGE_BYTES; left > 0; left -= BLOCK) {
                    writer.write(ByteBuffer.wrap(block, 0, Math.min(BLOCK, left)));
                }
                id = await(writer.commit());
            }
            int chunk = JdbcSpoolBuilder.DEFAULT_CHUNK_BYTES;
            assertThat(database.count("SELECT COUNT(*) FROM ${prefix}chunk")).isEqualTo(LARGE_BYTES / chunk + 1);
            assertThat(database.dataSource.largestOctets()).isEqualTo(chunk);
            int seen = 0;
            try (InputStream in = spool.read(id)) {
                byte[] read;
                do {
                    read = in.readNBytes(BLOCK);
                    assertThat(Arrays.equals(read, 0, read.length, block, 0, read.length))
                            .as("octets after %d", seen)
                            .isTrue();
                    assertThat(in.available()).isLessThanOrEqualTo(chunk);
                    seen += read.length;
                } while (read.length == BLOCK);
            }
            assertThat(seen).isEqualTo(LARGE_BYTES);
            assertThat(database.dataSource.mostConnections()).isEqualTo(1);
            spool.delete(id);
            assertThat(database.count("SELECT COUNT(*) FROM ${prefix}chunk")).isZero();
            assertGivenBack(database);
        }
    }

    @ParameterizedTest
    @Timeout(180)
    @MethodSource("quick")
    void twoSpoolsLeaseEachMessageOnceOverTwoConnections(Supplier<TestDatabase> databases) throws Exception {
        try (TestDatabase database = databases.get();
                JdbcSpool one = database.open();
                JdbcSpool other = database.open()) {
            Set<SpoolId> stored = ConcurrentHashMap.newKeySet();
            run(number -> {
                for (int i = 0; i < MESSAGES / THREADS; i++) {
                    stored.add(store(number % 2 == 0 ? one : other, "x@a.example"));
                }
                return 0;
            });
            assertThat(stored).hasSize(MESSAGES);

            Set<SpoolId> leased = ConcurrentHashMap.newKeySet();
            List<Integer> counts = run(number -> {
                Spool spool = number % 2 == 0 ? one : other;
                LeaseRequest request =
                        new LeaseRequest(MailDomain.of("a.example"), START, START, START.plusSeconds(3600), 7 + number);
                int count = 0;
                while (leased.size() < MESSAGES) {
                    for (SpoolLease lease : spool.lease(request)) {
                        assertThat(leased.add(lease.id()))
                                .as("%s leased once", lease.id())
                                .isTrue();
                        spool.settle(lease, relayed(lease, START));
                        count++;
                    }
                }
                return count;
            });
            assertThat(counts.stream().mapToInt(Integer::intValue).sum()).isEqualTo(MESSAGES);
            assertThat(leased).isEqualTo(stored);
            assertThat(one.lanes()).isEmpty();
            for (String table : new String[] {"message", "recipient", "lane", "chunk"}) {
                assertThat(database.count("SELECT COUNT(*) FROM ${prefix}" + table))
                        .isZero();
            }
            assertThat(database.dataSource.mostConnections()).isEqualTo(2);
            assertGivenBack(database);
        }
    }

    private interface Work {
        int run(int number) throws Exception;
    }

    private static List<Integer> run(Work work) throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                Callable<Integer> task = () -> work.run(number);
                futures.add(workers.submit(task));
            }
            List<Integer> results = new ArrayList<>();
            for (Future<Integer> future : futures) {
                results.add(future.get(3, TimeUnit.MINUTES));
            }
            return results;
        } finally {
            workers.shutdownNow();
        }
    }
}
