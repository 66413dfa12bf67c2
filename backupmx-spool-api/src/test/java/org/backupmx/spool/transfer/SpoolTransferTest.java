package org.backupmx.spool.transfer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.ok;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.InMemorySpool;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolTransferTest {

    private static final Instant LATER = START.plus(Duration.ofHours(1));

    @TempDir
    Path folder;

    private InMemorySpool spool;
    private Path directory;
    private Path ledger;

    @BeforeEach
    void prepare() {
        spool = InMemorySpool.create();
        directory = folder.resolve("exported");
        ledger = folder.resolve("ledger");
    }

    /** Ends a run before a message. */
    private static final class Follower implements TransferWatcher {
        private final List<String> transferred = new ArrayList<>();
        private final List<String> failed = new ArrayList<>();
        private final int most;

        Follower(int most) {
            this.most = most;
        }

        Follower() {
            this(Integer.MAX_VALUE);
        }

        @Override
        public void transferred(String name, long mailDataBytes) {
            transferred.add(name);
        }

        @Override
        public void failed(String name, String reason) {
            failed.add(name + " " + reason);
        }

        @Override
        public boolean goesOn() {
            return transferred.size() < most;
        }
    }

    private static void fill(InMemorySpool spool, int count) throws SpoolException {
        for (int i = 0; i < count; i++) {
            store(spool, Envelopes.to("x@a.example"), START, octets(100, i));
        }
    }

    /** What the files of an export say, by message, without the identities. */
    private static Map<String, String> files(Path directory) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(".json")).toList()) {
                String name = file.getFileName().toString().replace(".json", "");
                String json = Files.readString(file).replaceFirst("\"id\": \"" + name + "\"", "");
                assertThat(json).doesNotContain(name);
                byte[] mailData = Files.readAllBytes(directory.resolve(name + ".eml"));
                contents.merge(json + new String(mailData, UTF_8).hashCode(), "1", String::concat);
            }
        }
        return contents;
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatWasExportedAndImportedIsExportedTheSame() throws Exception {
        int seed = 0;
        for (Envelope envelope : Envelopes.ofEveryKind()) {
            store(spool, envelope, START.plusSeconds(seed), octets(seed * 40_000, seed++));
        }
        SpoolId held = store(spool, Envelopes.to("x@h.example", "y@i.example"), START, octets(9, 9));
        settleAll("h.example", 3, LATER);
        assertThat(spool.hold(held)).isTrue();
        SpoolId moved = store(spool, Envelopes.to("x@m.example"), START, octets(8, 8));
        assertThat(spool.reschedule(moved, LATER.plusSeconds(5))).isTrue();
        settleAll("a.example", 1, LATER);

        TransferResult out = SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool other = InMemorySpool.create();
        store(other, Envelopes.to("before@a.example"), START.minusSeconds(5), octets(1, 1));
        other.delete(scan(other).get(0).id());
        TransferResult in = SpoolImport.into(other).from(directory, ledger);
        SpoolExport.of(other).toDirectory(folder.resolve("again"));

        assertThat(out.isComplete()).isTrue();
        assertThat(out.messages()).isEqualTo(seed + 2);
        assertThat(in).isEqualTo(out);
        assertThat(files(folder.resolve("again"))).isEqualTo(files(directory)).hasSize(seed + 2);
        List<QueuedMessage> all = new ArrayList<>(scan(other));
        assertThat(all).filteredOn(QueuedMessage::held).hasSize(1);
        assertThat(all)
                .filteredOn(message -> message.lanes().get(0).attempts() == 3)
                .hasSize(1);
    }

    private void settleAll(String domain, int attempts, Instant due) throws SpoolException {
        for (int i = 1; i <= attempts; i++) {
            for (SpoolLease lease :
                    org.backupmx.spool.testkit.SpoolActions.lease(spool, domain, START.plusSeconds(60))) {
                spool.settle(lease, deferred(lease, START.plusSeconds(i), i < attempts ? START : due));
            }
        }
    }

    private static SpoolLease first(InMemorySpool spool) throws SpoolException {
        return spool.lease(new LeaseRequest(MailDomain.of("a.example"), START, START, LATER, 1))
                .get(0);
    }

    @Test
    void otherMailOfTheSpoolStaysAsItWas() throws Exception {
        SpoolId id = store(spool, Envelopes.to("x@a.example"), START, octets(10, 1));
        SpoolLease lease = leaseOne(spool, "a.example", START);
        spool.settle(lease, deferred(lease, START, LATER));
        SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool other = InMemorySpool.create();
        SpoolId there = store(other, Envelopes.to("x@a.example"), START.minusSeconds(9), octets(10, 2));
        SpoolId leased = store(other, Envelopes.to("z@a.example"), START.minusSeconds(10), octets(10, 3));
        SpoolLease lent = first(other);
        assertThat(lent.id()).isEqualTo(leased);
        QueuedMessage before = queued(other, there);

        SpoolImport.into(other).from(directory, ledger);

        assertThat(queued(other, there)).isEqualTo(before);
        other.settle(lent, Settlement.unused(START, START));
        assertThat(scan(other))
                .extracting(message -> message.lanes())
                .contains(queued(spool, id).lanes());
    }

    @Test
    void finalRecipientsStayBehind() throws Exception {
        store(spool, Envelopes.to("a@a.example", "b@a.example", "c@b.example", "d@a.example"), START, octets(5, 5));
        SpoolLease lease = leaseOne(spool, "a.example", START);
        RecipientState relayed = new RecipientState.Relayed(ok(), START);
        spool.settle(lease, Settlement.attempted(START, Map.of(0, relayed, 3, relayed), LATER));

        SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool other = InMemorySpool.create();
        SpoolImport.into(other).from(directory, ledger);

        QueuedMessage message = scan(other).get(0);
        assertThat(message.message().envelope().recipients())
                .extracting(one -> one.path().mailbox().toString())
                .containsExactly("b@a.example", "c@b.example");
        assertThat(message.lanes()).extracting(lane -> lane.attempts()).containsExactly(1, 0);
    }

    @Test
    void onlyTheOwnerMayReadWhatIsExported() throws Exception {
        fill(spool, 1);
        SpoolExport.of(spool).toDirectory(directory);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                .isEqualTo("rwx------");
        for (String name : names(directory)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(name))))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void aDirectoryThatIsNotEmptyIsRefused() throws Exception {
        Files.createDirectory(directory);
        Files.createFile(directory.resolve("x"));
        assertThatThrownBy(() -> SpoolExport.of(spool).toDirectory(directory))
                .isInstanceOf(IOException.class)
                .hasMessage(directory + ": not empty (expected: a new or empty directory)");
        Path file = Files.createFile(folder.resolve("mbox"));
        assertThatThrownBy(() -> SpoolExport.of(spool).toMbox(file))
                .isInstanceOf(IOException.class)
                .hasMessage(file + ": exists (expected: a new file)");
    }

    @Test
    void aFilterNarrows() throws Exception {
        store(spool, Envelopes.to("x@a.example"), START, octets(5, 5));
        SpoolId other = store(spool, Envelopes.to("x@b.example"), START, octets(5, 6));
        TransferResult result = SpoolExport.of(spool)
                .withFilter(SpoolFilter.all().domain(MailDomain.of("b.example")))
                .toDirectory(directory);
        assertThat(result.messages()).isEqualTo(1);
        assertThat(names(directory)).containsExactly(other + ".eml", other + ".json");
    }

    @Test
    void anExportThatIsEndedLeavesWholeMessages() throws Exception {
        fill(spool, 5);
        TransferResult result =
                SpoolExport.of(spool).withWatcher(new Follower(2)).toDirectory(directory);
        assertThat(result).isEqualTo(new TransferResult(2, 200, 0, 0, true));
        assertThat(names(directory)).hasSize(4);
        TransferResult mbox = SpoolExport.of(spool).withWatcher(new Follower(2)).toMbox(folder.resolve("mbox"));
        assertThat(mbox.stopped()).isTrue();
        assertThat(names(folder)).containsExactly("exported", "mbox");
    }

    @Test
    void anImportIsRepeatedAndDoublesNothing() throws Exception {
        fill(spool, 200);
        SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool other = InMemorySpool.create();

        TransferResult first =
                SpoolImport.into(other).withWatcher(new Follower(70)).from(directory, ledger);
        TransferResult second = SpoolImport.into(other).from(directory, ledger);
        TransferResult third = SpoolImport.into(other).from(directory, ledger);

        assertThat(first).isEqualTo(new TransferResult(128, 12_800, 0, 0, true));
        assertThat(second).isEqualTo(new TransferResult(72, 7_200, 128, 0, false));
        assertThat(third).isEqualTo(new TransferResult(0, 0, 200, 0, false));
        assertThat(scan(other)).hasSize(200);
    }

    /** Cuts the ledger at every place where a crash could have, and repeats the import. */
    @Test
    void whatACrashLeftOpenIsFoundInTheSpool() throws Exception {
        for (int i = 0; i < 3; i++) {
            store(spool, Envelopes.to("x@a.example"), START, octets(100, i));
        }
        SpoolLease lease = first(spool);
        spool.settle(lease, deferred(lease, START, LATER));
        spool.hold(lease.id());
        SpoolExport.of(spool).toDirectory(directory);
        SpoolImport.into(InMemorySpool.create()).from(directory, ledger);
        byte[] whole = Files.readAllBytes(ledger);
        int begun = new String(whole, UTF_8).indexOf("done");
        for (int length = begun; length <= whole.length; length++) {
            Path cut = folder.resolve("cut");
            Files.deleteIfExists(cut);
            InMemorySpool other = InMemorySpool.create();
            SpoolImport.into(other).from(directory, cut);
            assertThat(Files.readAllBytes(cut)).isEqualTo(whole);
            for (QueuedMessage message : scan(other)) {
                other.release(message.id());
            }
            Files.write(cut, java.util.Arrays.copyOf(whole, length));

            TransferResult again = SpoolImport.into(other).from(directory, cut);

            assertThat(again.already()).as("cut at %d", length).isEqualTo(3);
            assertThat(scan(other)).hasSize(3);
            assertThat(Files.readString(cut).lines().filter(line -> line.startsWith("done")))
                    .hasSize(3);
            if (length == begun) {
                assertThat(scan(other)).filteredOn(QueuedMessage::held).hasSize(1);
            }
        }
    }

    @Test
    void whatWasBegunAndIsNotInTheSpoolIsImported() throws Exception {
        fill(spool, 2);
        SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool first = InMemorySpool.create();
        first.failNext(InMemorySpool.Call.COMMIT, new SpoolException("no"));
        assertThatThrownBy(() -> SpoolImport.into(first).from(directory, ledger))
                .hasMessage("no");
        assertThat(SpoolImport.into(first).from(directory, ledger).messages()
                        + scan(first).size())
                .isGreaterThanOrEqualTo(2);
        assertThat(scan(first)).hasSize(2);
    }

    @Test
    void aSpoolThatIsMadeAnewIsNotTakenForTheOld() throws Exception {
        fill(spool, 1);
        SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool old = InMemorySpool.create();
        SpoolImport.into(old).from(directory, ledger);
        Files.writeString(
                ledger,
                "begun " + names(directory).get(0).replace(".eml", "") + " "
                        + scan(old).get(0).id() + "\n");
        InMemorySpool anew = InMemorySpool.create();
        store(anew, Envelopes.to("other@a.example"), START, octets(100, 7));
        assertThat(scan(anew).get(0).id()).isEqualTo(scan(old).get(0).id());

        assertThat(SpoolImport.into(anew).from(directory, ledger).messages()).isEqualTo(1);
        assertThat(scan(anew)).hasSize(2);
    }

    @Test
    void aFullSpoolEndsTheImportAndItGoesOnLater() throws Exception {
        fill(spool, 100);
        SpoolExport.of(spool).toDirectory(directory);
        InMemorySpool small = InMemorySpool.create(8_000);
        assertThatThrownBy(() -> SpoolImport.into(small).from(directory, ledger))
                .isInstanceOf(SpoolFullException.class);
        int taken = scan(small).size();
        assertThat(taken).isBetween(1, 80);
        for (QueuedMessage message : scan(small)) {
            small.delete(message.id());
        }
        assertThat(SpoolImport.into(small).from(directory, ledger).already()).isEqualTo(taken);
        assertThat(scan(small)).hasSize(100 - taken);
    }

    private String unfit(String name, Consumer<Path> change) throws Exception {
        fill(spool, 1);
        Path from = folder.resolve(name);
        SpoolExport.of(spool).toDirectory(from);
        Path json = from.resolve(names(from).get(1));
        change.accept(json);
        Follower follower = new Follower();
        TransferResult result =
                SpoolImport.into(InMemorySpool.create()).withWatcher(follower).from(from, folder.resolve(name + ".l"));
        assertThat(result.failed()).isEqualTo(1);
        assertThat(result.isComplete()).isFalse();
        spool.delete(scan(spool).get(0).id());
        return follower.failed.get(0).replace(from + "/", "").replaceFirst("^\\S+ [^:]*: ", "");
    }

    private static Consumer<Path> replacing(String what, String by) {
        return json -> {
            try {
                String text = Files.readString(json);
                assertThat(text).contains(what);
                Files.writeString(json, text.replace(what, by));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        };
    }

    @Test
    void whatIsUnfitIsToldAndTheRestGoesOn() throws Exception {
        assertThat(unfit("version", replacing("\"version\": 1", "\"version\": 2")))
                .isEqualTo(
                        "version: 2 (expected: 1); another release of backupmx wrote it, import it with that release");
        assertThat(unfit("bytes", replacing("\"bytes\": 100", "\"bytes\": 101")))
                .isEqualTo("100 bytes (expected: 101, as its envelope says)");
        assertThat(unfit("member", replacing("\"held\"", "\"holt\""))).isEqualTo("held: missing");
        assertThat(unfit("more", replacing("\"held\"", "\"x\": 1, \"held\"")))
                .isEqualTo("x: unknown (expected: what docs/spool-tools.md names)");
        assertThat(unfit("kind", replacing("false", "1"))).isEqualTo("held: of another kind (expected: true or false)");
        assertThat(unfit("lane", replacing("\"a.example\"", "\"b.example\"")))
                .isEqualTo("lane b.example (expected: one for each domain of the recipients)");
        assertThat(unfit("instant", replacing("\"receivedAt\": \"", "\"receivedAt\": \"x")))
                .contains("could not be parsed");
        assertThat(unfit("state", replacing("pending", "relayed")))
                .isEqualTo("state: relayed (expected: pending or deferred)");
        assertThat(unfit("cut", json -> {
                    try {
                        Files.writeString(json, Files.readString(json).substring(0, 40));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                }))
                .startsWith("line 3: the end");
        assertThat(unfit("gone", json -> {
                    try {
                        Files.delete(Path.of(json.toString().replace(".json", ".eml")));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                }))
                .isEqualTo("no such file (expected: the mail data of the message)");
    }

    /** Found beside good messages: each costs itself and no other. */
    @Test
    void whatIsNoFileOrBeyondAllTimeIsToldAndTheRestGoesOn() throws Exception {
        fill(spool, 6);
        SpoolExport.of(spool).toDirectory(directory);
        List<String> names = names(directory).stream()
                .filter(name -> name.endsWith(".json"))
                .map(name -> name.replace(".json", ""))
                .toList();
        Path json = directory.resolve(names.get(0) + ".json");
        Files.delete(json);
        Files.createDirectory(json);
        Path eml = directory.resolve(names.get(1) + ".eml");
        Files.delete(eml);
        Files.createDirectory(eml);
        Path linked = directory.resolve(names.get(2) + ".eml");
        Path elsewhere = folder.resolve("elsewhere");
        Files.move(linked, elsewhere);
        Files.createSymbolicLink(linked, elsewhere);
        Path last = directory.resolve(names.get(3) + ".json");
        Files.writeString(
                last,
                Files.readString(last)
                        .replaceFirst("\"receivedAt\": \"[^\"]*", "\"receivedAt\": \"" + Instant.MAX)
                        .replace("\"attempts\": 0", "\"attempts\": 2"));
        Follower follower = new Follower();
        InMemorySpool into = InMemorySpool.create();

        TransferResult result = SpoolImport.into(into).withWatcher(follower).from(directory, ledger);

        assertThat(follower.failed)
                .hasSize(4)
                .anySatisfy(line -> assertThat(line).contains(json + ": no regular file"))
                .anySatisfy(line -> assertThat(line).contains(eml + ": no regular file"))
                .anySatisfy(line -> assertThat(line).contains(linked + ": no regular file"))
                .anySatisfy(line -> assertThat(line).contains("receivedAt: " + Instant.MAX));
        assertThat(result.messages()).isEqualTo(2);
        assertThat(scan(into)).hasSize(2);
    }

    @Test
    void whatGoesAwayMeanwhileCostsItselfAlone() throws Exception {
        fill(spool, 3);
        SpoolExport.of(spool).toDirectory(directory);
        List<String> files = names(directory);
        Files.delete(directory.resolve(files.get(0)));
        Path gone = directory.resolve(files.get(3));
        assertThat(gone.toString()).endsWith(".json");
        List<String> told = new ArrayList<>();
        TransferWatcher watcher = new TransferWatcher() {
            @Override
            public void failed(String name, String reason) {
                told.add(reason);
                try {
                    Files.deleteIfExists(gone);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }
        };

        TransferResult result =
                SpoolImport.into(InMemorySpool.create()).withWatcher(watcher).from(directory, ledger);

        assertThat(told).hasSize(2).last().asString().startsWith(gone + ": cannot be read: ");
        assertThat(result.messages()).isEqualTo(1);
    }

    @Test
    void whatMayNotBeReadCostsItselfAlone() throws Exception {
        fill(spool, 3);
        SpoolExport.of(spool).toDirectory(directory);
        List<String> files = names(directory);
        List<Path> closed = List.of(directory.resolve(files.get(0)), directory.resolve(files.get(3)));
        for (Path file : closed) {
            Files.setPosixFilePermissions(file, Set.of());
            assumeThat(Files.isReadable(file)).as("root reads all").isFalse();
        }
        Follower follower = new Follower();

        TransferResult result =
                SpoolImport.into(InMemorySpool.create()).withWatcher(follower).from(directory, ledger);

        assertThat(follower.failed)
                .hasSize(2)
                .anySatisfy(line -> assertThat(line).contains(closed.get(0) + ": cannot be read: "))
                .anySatisfy(line -> assertThat(line).contains(closed.get(1) + ": cannot be read: "));
        assertThat(result.messages()).isEqualTo(1);
    }

    /** What another user put where the mbox grows must not be filled with mail. */
    @Test
    void anMboxIsTheOwnersWhateverStoodInItsPlace() throws Exception {
        fill(spool, 1);
        Path readable = folder.resolve("readable");
        Files.createFile(readable, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));
        Path mbox = folder.resolve("mail.mbox");
        Files.createSymbolicLink(folder.resolve("mail.mbox.part"), readable);

        SpoolExport.of(spool).toMbox(mbox);

        assertThat(readable).isEmptyFile();
        assertThat(Files.isSymbolicLink(mbox)).isFalse();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(mbox)))
                .isEqualTo("rw-------");
    }

    /** A repeated import compares instants, the farthest too. */
    @Test
    void theFirstInstantOfAllIsNoObstacleToARepetition() throws Exception {
        fill(spool, 1);
        SpoolExport.of(spool).toDirectory(directory);
        Path json = directory.resolve(names(directory).get(1));
        assertThat(json.toString()).endsWith(".json");
        Files.writeString(
                json,
                Files.readString(json).replaceFirst("\"receivedAt\": \"[^\"]*", "\"receivedAt\": \"" + Instant.MIN));
        InMemorySpool into = InMemorySpool.create();
        SpoolImport.into(into).from(directory, ledger);
        String done = Files.readString(ledger);
        Files.writeString(ledger, done.substring(0, done.indexOf("done")));

        TransferResult again = SpoolImport.into(into).from(directory, ledger);

        assertThat(again.failed()).isZero();
        assertThat(again.already()).isEqualTo(1);
        assertThat(scan(into)).hasSize(1);
    }

    @Test
    void aLedgerThatIsNoneIsRefused() throws Exception {
        fill(spool, 1);
        SpoolExport.of(spool).toDirectory(directory);
        Files.writeString(ledger, "somebody's notes\n");
        assertThatThrownBy(() -> SpoolImport.into(spool).from(directory, ledger))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(ledger + ": no ledger of an import");
        assertThat(Files.readString(ledger)).isEqualTo("somebody's notes\n");
    }

    @Test
    void damagedMailIsToldAndLeavesNothing() throws Exception {
        fill(spool, 3);
        SpoolId damaged = scan(spool).get(1).id();
        assertThat(spool.damage(damaged)).isTrue();
        Follower follower = new Follower();
        TransferResult result = SpoolExport.of(spool).withWatcher(follower).toDirectory(directory);
        assertThat(result).isEqualTo(new TransferResult(2, 200, 0, 1, false));
        assertThat(follower.failed).hasSize(1).allMatch(line -> line.startsWith(damaged.value()));
        assertThat(names(directory)).hasSize(4).noneMatch(name -> name.contains(damaged.value()));
    }

    private static final class LimitedStream extends FilterInputStream {
        LimitedStream(InputStream whole) throws SpoolException {
            super(half(whole));
        }

        private static InputStream half(InputStream whole) throws SpoolException {
            try (whole) {
                return new ByteArrayInputStream(whole.readNBytes(50));
            } catch (IOException e) {
                throw new SpoolException("half", e);
            }
        }
    }

    private static final class BrokenStream extends InputStream {
        @Override
        public int read() throws IOException {
            throw new SpoolException("recycled");
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            throw new SpoolException("recycled");
        }
    }

    /** Shows another spool's messages and fails while reading one: part of its octets come. */
    private record Failing(InMemorySpool spool, SpoolId id, boolean gone, AtomicInteger reads)
            implements ReadableSpool {
        @Override
        public InputStream read(SpoolId which) throws SpoolException {
            InputStream mailData = spool.read(which);
            if (!which.equals(id) || reads.getAndIncrement() > 0) {
                return mailData;
            }
            if (gone) {
                spool.delete(id);
            }
            return new SequenceInputStream(new LimitedStream(mailData), new BrokenStream());
        }

        @Override
        public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
            spool.scan(visitor);
        }
    }

    @Test
    void whatGoesWhileItIsReadIsNotTold() throws Exception {
        fill(spool, 3);
        SpoolId id = scan(spool).get(0).id();
        Failing failing = new Failing(spool, id, true, new AtomicInteger());
        assertThat(SpoolExport.of(failing).toDirectory(directory)).isEqualTo(new TransferResult(2, 200, 0, 0, false));
        assertThat(names(directory)).hasSize(4);
    }

    @Test
    void whatMovesWhileItIsReadIsReadAgain() throws Exception {
        fill(spool, 3);
        SpoolId id = scan(spool).get(0).id();
        assertThat(SpoolExport.of(new Failing(spool, id, false, new AtomicInteger()))
                        .toDirectory(directory))
                .isEqualTo(new TransferResult(3, 300, 0, 0, false));
        assertThat(Files.readAllBytes(directory.resolve(id + ".eml"))).isEqualTo(read(spool, id));
        Path mbox = folder.resolve("mbox");
        SpoolExport.of(new Failing(spool, id, false, new AtomicInteger())).toMbox(mbox);
        assertThat(Files.readString(mbox, java.nio.charset.StandardCharsets.ISO_8859_1)
                        .split("X-Spool-Id", -1))
                .hasSize(4);
    }

    @Test
    void anMboxNamesEnvelopeAndQuotes() throws Exception {
        Instant at = Instant.parse("2026-03-01T12:00:00Z");
        SpoolId first = store(
                spool,
                Envelopes.from("", "x@a.example", "y@b.example"),
                at,
                "Subject: x\r\n\r\nFrom here\r\n>From there\r\nfrom\r\n".getBytes(UTF_8));
        SpoolId second = store(
                spool,
                Envelopes.from("\"a b\"@s.example", "x@a.example"),
                at.plusSeconds(86400 * 10),
                "no end".getBytes(UTF_8));
        Path mbox = folder.resolve("mbox");
        SpoolExport.of(spool).toMbox(mbox);
        assertThat(Files.readString(mbox)).isEqualTo("""
                From MAILER-DAEMON Sun Mar  1 12:00:00 2026
                X-Spool-Id: %s
                X-Envelope-From: <>
                X-Envelope-To: <x@a.example>
                X-Envelope-To: <y@b.example>
                Subject: x

                >From here
                >>From there
                from

                From "a-b"@s.example Wed Mar 11 12:00:00 2026
                X-Spool-Id: %s
                X-Envelope-From: <"a b"@s.example>
                X-Envelope-To: <x@a.example>
                no end

                """.formatted(first, second));
    }
}
