package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.octets;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.ReschedulableSpool;
import org.backupmx.spool.ResettableSpool;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.SpooledMessage;

/** Performs steps on a spool and on the model beside it. One thread. */
final class SpoolHistory implements AutoCloseable {

    private record Open(SpoolWriter writer, Envelope envelope, Instant receivedAt, ByteArrayOutputStream mailData) {}

    private final SpoolFixture fixture;
    private final SpoolModel model = new SpoolModel();
    private final List<Open> open = new ArrayList<>();
    private final List<SpoolLease> leases = new ArrayList<>();
    private final Set<SpoolId> ids = new LinkedHashSet<>();
    private final Set<Long> tokens = new HashSet<>();
    private Spool spool;
    private Instant now = SpoolActions.START;
    private long seed;

    SpoolHistory(SpoolFixture fixture) throws Exception {
        this.fixture = fixture;
        spool = fixture.newSpool();
    }

    void perform(SpoolStep step) throws Exception {
        if (step instanceof SpoolStep.Begin begin) {
            begin(begin);
        } else if (step instanceof SpoolStep.Write write) {
            write(write);
        } else if (step instanceof SpoolStep.Commit commit) {
            commit(commit.pick());
        } else if (step instanceof SpoolStep.Abandon abandon) {
            pick(open, abandon.pick()).ifPresent(this::abandon);
        } else if (step instanceof SpoolStep.Advance advance) {
            now = now.plusSeconds(advance.seconds());
        } else if (step instanceof SpoolStep.Lease lease) {
            lease(lease);
        } else if (step instanceof SpoolStep.Renew renew) {
            renew(renew);
        } else if (step instanceof SpoolStep.Settle settle) {
            settle(settle);
        } else if (step instanceof SpoolStep.Reopen) {
            reopen();
        } else {
            operate(step);
        }
    }

    private static <T> Optional<T> pick(List<T> from, int pick) {
        return from.isEmpty() ? Optional.empty() : Optional.of(from.get(from.size() - 1 - pick % from.size()));
    }

    private void begin(SpoolStep.Begin begin) throws Exception {
        Instant receivedAt = now.minusSeconds(begin.ago());
        SpoolWriter writer = spool.begin(begin.envelope(), receivedAt);
        assertThat(ids.add(writer.id())).as("%s is new", writer.id()).isTrue();
        Open begun = new Open(writer, begin.envelope(), receivedAt, new ByteArrayOutputStream());
        open.add(begun);
        write(begun, begin.size());
    }

    private void write(SpoolStep.Write write) throws Exception {
        Optional<Open> to = pick(open, write.pick());
        if (to.isPresent()) {
            write(to.get(), write.size());
        }
    }

    private void write(Open to, int size) throws Exception {
        byte[] octets = octets(size, ++seed);
        to.writer.write(ByteBuffer.wrap(octets));
        to.mailData.writeBytes(octets);
    }

    private void commit(int pick) throws Exception {
        Optional<Open> picked = pick(open, pick);
        if (picked.isPresent()) {
            Open ending = picked.get();
            open.remove(ending);
            SpoolId id = SpoolActions.await(ending.writer.commit());
            ending.writer.close();
            assertThat(id).isEqualTo(ending.writer.id());
            byte[] mailData = ending.mailData.toByteArray();
            model.add(new SpooledMessage(id, ending.envelope, ending.receivedAt, mailData.length), mailData);
        }
    }

    private void abandon(Open abandoned) {
        open.remove(abandoned);
        abandoned.writer.close();
    }

    private void lease(SpoolStep.Lease step) throws Exception {
        Instant dueBy = step.ahead() == 3600 ? Instant.MAX : now.plusSeconds(step.ahead());
        LeaseRequest request =
                new LeaseRequest(step.domain(), now, dueBy, now.plusSeconds(step.seconds() + 1), step.limit());
        List<SpoolModel.Lane> leasable = model.leasable(request);
        List<SpoolLease> given = spool.lease(request);

        assertThat(given)
                .as("earliest due first, at most the limit")
                .extracting(SpoolLease::due)
                .isEqualTo(leasable.stream()
                        .map(lane -> lane.due)
                        .sorted()
                        .limit(request.limit())
                        .toList());
        for (SpoolLease lease : given) {
            SpoolModel.Lane lane = leasable.stream()
                    .filter(each -> each.message.message.id().equals(lease.id()))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("leased without right: " + lease));
            assertThat(tokens.add(lease.token())).as("token is new").isTrue();
            lane.lease = lease;
            assertSameLease(lease, lane, request.until());
        }
        leases.addAll(given);
    }

    private static void assertSameLease(SpoolLease lease, SpoolModel.Lane lane, Instant until) {
        SpoolLease expected = new SpoolLease(
                lane.message.message, lane.domain, lane.recipients(), lane.attempts, lane.due, until, lease.token());
        assertThat(lease).isEqualTo(expected);
    }

    private void renew(SpoolStep.Renew step) throws Exception {
        Optional<SpoolLease> picked = pick(leases, step.pick());
        if (picked.isEmpty()) {
            return;
        }
        SpoolLease lease = picked.get();
        Instant until = now.plusSeconds(step.seconds() + 1);
        Optional<SpoolModel.Lane> holding = model.holding(lease, now);
        if (holding.isEmpty()) {
            assertThatThrownBy(() -> spool.renew(lease, now, until)).isInstanceOf(SpoolLeaseLostException.class);
            return;
        }
        SpoolLease renewed = spool.renew(lease, now, until);
        tokens.add(renewed.token());
        assertThat(renewed).isEqualTo(lease.renewed(until, renewed.token()));
        holding.get().lease = renewed;
        leases.remove(lease);
        leases.add(renewed);
    }

    private void settle(SpoolStep.Settle step) throws Exception {
        Optional<SpoolLease> picked = pick(leases, step.pick());
        if (picked.isEmpty()) {
            return;
        }
        SpoolLease lease = picked.get();
        Map<Integer, RecipientState> states = new HashMap<>();
        lease.recipients().forEach(recipient -> {
            SpoolStep.Outcome outcome = step.outcomes().get(recipient.index() % 6);
            if (outcome != SpoolStep.Outcome.NONE) {
                states.put(recipient.index(), state(outcome, step));
            }
        });
        Settlement settlement = new Settlement(now, states, now.plusSeconds(step.next()), step.attempt());
        Optional<SpoolModel.Lane> holding = model.holding(lease, now);
        if (holding.isEmpty()) {
            assertThatThrownBy(() -> spool.settle(lease, settlement)).isInstanceOf(SpoolLeaseLostException.class);
        } else {
            spool.settle(lease, settlement);
            model.settle(holding.get(), settlement);
        }
    }

    private RecipientState state(SpoolStep.Outcome outcome, SpoolStep.Settle step) {
        return switch (outcome) {
            case NONE -> RecipientState.Pending.INSTANCE;
            case DEFERRED -> new RecipientState.Deferred(step.reply(), now);
            case RELAYED -> new RecipientState.Relayed(step.reply(), now);
            case FAILED -> new RecipientState.Failed(step.reply(), now);
            case EXPIRED -> new RecipientState.Expired(step.reply(), now);
        };
    }

    private void reopen() throws Exception {
        if (fixture.abilities().contains(SpoolAbility.PERSISTENT)) {
            spool.close();
            open.forEach(each -> each.writer.close());
            open.clear();
            model.closed();
            spool = fixture.reopen(spool);
        }
    }

    private void operate(SpoolStep step) throws Exception {
        if (step instanceof SpoolStep.Hold hold && spool instanceof HoldableSpool holdable) {
            Optional<SpoolId> id = pick(List.copyOf(ids), hold.pick());
            if (id.isPresent()) {
                assertThat(holdable.hold(id.get())).isEqualTo(held(id.get(), true));
            }
        } else if (step instanceof SpoolStep.Release release && spool instanceof HoldableSpool holdable) {
            Optional<SpoolId> id = pick(List.copyOf(ids), release.pick());
            if (id.isPresent()) {
                assertThat(holdable.release(id.get())).isEqualTo(held(id.get(), false));
            }
        } else if (step instanceof SpoolStep.Delete delete && spool instanceof DeletableSpool deletable) {
            Optional<SpoolId> id = pick(List.copyOf(ids), delete.pick());
            if (id.isPresent()) {
                assertThat(deletable.delete(id.get())).isEqualTo(model.messages.remove(id.get()) != null);
            }
        } else if (step instanceof SpoolStep.Reschedule one && spool instanceof ReschedulableSpool reschedulable) {
            Optional<SpoolId> id = pick(List.copyOf(ids), one.pick());
            if (id.isPresent()) {
                Instant due = now.plusSeconds(one.ahead());
                SpoolModel.Message message = model.messages.get(id.get());
                assertThat(reschedulable.reschedule(id.get(), due)).isEqualTo(message != null);
                if (message != null) {
                    message.lanes.values().forEach(lane -> lane.due = due);
                }
            }
        } else if (step instanceof SpoolStep.Reset reset && spool instanceof ResettableSpool resettable) {
            Optional<SpoolId> id = pick(List.copyOf(ids), reset.pick());
            if (id.isPresent()) {
                reset(id.get(), now.plusSeconds(reset.ahead()), resettable);
            }
        } else if (step instanceof SpoolStep.RescheduleLane all && spool instanceof ReschedulableSpool reschedulable) {
            rescheduleLane(all.domain(), now.plusSeconds(all.ahead()), reschedulable);
        }
    }

    private void reset(SpoolId id, Instant due, ResettableSpool resettable) throws Exception {
        SpoolModel.Message message = model.messages.get(id);
        assertThat(resettable.resetAttempts(id, due)).isEqualTo(message != null);
        if (message != null) {
            message.lanes.values().forEach(lane -> {
                lane.due = due;
                lane.attempts = 0;
            });
        }
    }

    private boolean held(SpoolId id, boolean held) {
        SpoolModel.Message message = model.messages.get(id);
        if (message != null) {
            message.held = held;
        }
        return message != null;
    }

    private void rescheduleLane(MailDomain domain, Instant due, ReschedulableSpool reschedulable) throws Exception {
        if (model.lane(domain).anyMatch(lane -> lane.hasEndedUnseen(now))) {
            return; // the spool has no clock: whether an ended lease counts here is its own affair
        }
        List<SpoolModel.Lane> free =
                model.lane(domain).filter(lane -> lane.lease == null).toList();
        assertThat(reschedulable.reschedule(domain, due)).isEqualTo(free.size());
        free.forEach(lane -> lane.due = due);
    }

    /** Compares the spool with the model, as far as it can be asked. */
    void compare() throws Exception {
        List<QueuedMessage> expected =
                model.messages.values().stream().map(SpoolModel.Message::queued).toList();
        assertThat(SpoolActions.scan(spool)).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(spool.lanes()).containsExactlyInAnyOrderElementsOf(model.lanes());
        for (MailDomain domain : SpoolModelContract.DOMAINS) {
            Optional<Instant> next = spool.nextDue(domain);
            Optional<List<Instant>> right = model.nextDue(domain, now);
            assertThat(next.isPresent()).as("next due of %s", domain).isEqualTo(right.isPresent());
            next.ifPresent(instant -> assertThat(instant)
                    .isBetween(right.orElseThrow().get(0), right.orElseThrow().get(1)));
        }
        for (QueuedMessage message : expected) {
            if (spool instanceof FindableSpool findable) {
                assertThat(findable.find(message.id())).contains(message);
            }
        }
        Optional<SpoolModel.Message> read = pick(List.copyOf(model.messages.values()), (int) (seed % 31));
        if (read.isPresent()) {
            assertThat(SpoolActions.read(spool, read.get().message.id())).isEqualTo(read.get().mailData);
        }
    }

    @Override
    public void close() throws SpoolException {
        open.forEach(each -> each.writer.close());
        spool.close();
    }
}
