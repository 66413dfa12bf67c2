package org.backupmx.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.spool.testkit.InMemorySpool.Call;
import org.junit.jupiter.api.Test;

/** What InMemorySpool has beyond the kit: limits and faults. */
class InMemorySpoolTest {

    private final InMemorySpool spool = InMemorySpool.create();

    private CompletableFuture<SpoolId> commitOne(InMemorySpool into) throws SpoolException {
        try (SpoolWriter writer = into.begin(Envelopes.to("x@a.example"), START)) {
            return writer.commit().toCompletableFuture();
        }
    }

    @Test
    void stalledCommitEndsWhenResumed() throws Exception {
        spool.stallCommits();
        CompletableFuture<SpoolId> commit = commitOne(spool);
        assertThat(commit).isNotDone();
        assertThat(lease(spool, "a.example", START)).isEmpty();

        spool.resumeCommits();
        assertThat(commit).isCompleted();
        assertThat(lease(spool, "a.example", START)).hasSize(1);
        assertThat(commitOne(spool)).isCompleted();
    }

    @Test
    void stalledCommitIsLostInACrashAndKeptInAClose() throws Exception {
        spool.stallCommits();
        CompletableFuture<SpoolId> lost = commitOne(spool);
        InMemorySpool again = spool.crash();
        assertThat(lost).isNotDone();
        assertThat(scan(again)).isEmpty();

        again.stallCommits();
        CompletableFuture<SpoolId> kept = commitOne(again);
        again.close();
        assertThat(kept).isCompleted();
        assertThat(scan(again.another())).hasSize(1);
    }

    @Test
    void refusingSpoolSaysSoUntilItAccepts() throws Exception {
        spool.refuse("disk is broken");
        assertThat(spool.health()).isEqualTo(SpoolHealth.refusing("disk is broken"));
        assertThatThrownBy(() -> commitOne(spool)).isInstanceOf(SpoolUnavailableException.class);
        spool.fill("disk is full");
        assertThat(spool.health()).isEqualTo(SpoolHealth.full("disk is full"));
        assertThatThrownBy(() -> commitOne(spool)).isInstanceOf(SpoolFullException.class);
        spool.exhaust("disk is full to the brim");
        assertThat(spool.health()).isEqualTo(SpoolHealth.exhausted("disk is full to the brim"));
        assertThatThrownBy(() -> commitOne(spool)).isInstanceOf(SpoolFullException.class);

        spool.accept();
        assertThat(spool.health()).isEqualTo(SpoolHealth.accepting());
        assertThat(commitOne(spool)).isCompleted();
    }

    @Test
    void callFailsOnceAsTold() throws Exception {
        SpoolId id = store(spool, "x@a.example");
        SpoolException fault = new SpoolUnavailableException("on demand");
        spool.failNext(Call.READ, fault);
        assertThatThrownBy(() -> spool.read(id)).isSameAs(fault);
        spool.read(id).close();
        spool.failNext(Call.NEXT_DUE, fault);
        assertThatThrownBy(() -> spool.nextDue(MailDomain.of("a.example"))).isSameAs(fault);

        spool.failNext(Call.COMMIT, fault);
        assertThat(commitOne(spool)).isCompletedExceptionally();
        assertThat(scan(spool)).hasSize(1);
    }

    @Test
    void messageNotWrittenWholeIsNotCommitted() throws Exception {
        SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
        writer.write(ByteBuffer.allocate(10));
        spool.failNext(Call.WRITE, new SpoolException("on demand"));
        assertThatThrownBy(() -> writer.write(ByteBuffer.allocate(10))).hasMessage("on demand");

        assertThatThrownBy(writer::commit).isInstanceOf(SpoolException.class);
        writer.close();
        assertThat(scan(spool)).isEmpty();
    }

    @Test
    void roomComesBackWithAbandonedAndDeletedMessages() throws Exception {
        InMemorySpool small = InMemorySpool.create(100);
        SpoolId id = store(small, "x@a.example");
        assertThat(small.health().isAccepting()).isFalse();
        assertThatThrownBy(() -> store(small, "x@a.example")).isInstanceOf(SpoolFullException.class);

        assertThat(small.delete(id)).isTrue();
        try (SpoolWriter abandoned = small.begin(Envelopes.to("x@a.example"), START)) {
            abandoned.write(ByteBuffer.allocate(100));
            assertThatThrownBy(() -> abandoned.write(ByteBuffer.allocate(1))).isInstanceOf(SpoolFullException.class);
        }
        store(small, "x@a.example");
    }

    @Test
    void settingsAreChecked() {
        assertThat(spool.nonBlockingBytes()).isEqualTo(Integer.MAX_VALUE);
        assertThat(spool.nonBlockingBytes(0).nonBlockingBytes()).isZero();
        assertThatIllegalArgumentException().isThrownBy(() -> spool.nonBlockingBytes(-1));
        assertThatIllegalArgumentException().isThrownBy(() -> InMemorySpool.create(0));
    }
}
