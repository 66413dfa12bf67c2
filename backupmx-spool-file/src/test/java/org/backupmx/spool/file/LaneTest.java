package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.junit.jupiter.api.Test;

/** A lane beside a list of what is in it. */
class LaneTest {

    private static final int RUNS = 200;
    private static final int STEPS = 300;
    private static final List<LeaseOrder> ORDERS = List.of(LeaseOrder.values());

    private static final class Compared {
        private final Random random;
        private final MessageTable messages = new MessageTable();
        private final EntryTable entries = new EntryTable();
        private final Lane lane = new Lane(MailDomain.of("a.example"), 0, entries, messages);
        private final List<Integer> queued = new ArrayList<>();
        private final List<Integer> leasable = new ArrayList<>();
        private long lastId;

        Compared(long seed) {
            random = new Random(seed);
        }

        private long received(int entry) {
            return messages.received.get(entries.message.get(entry));
        }

        private void place(int entry, long due, boolean canBeLeased) {
            entries.due.set(entry, due);
            lane.place(entry, canBeLeased);
            leasable.remove((Integer) entry);
            if (canBeLeased) {
                leasable.add(entry);
            }
        }

        private int any() {
            return queued.get(random.nextInt(queued.size()));
        }

        void step(boolean growing) {
            int kind = random.nextInt(growing ? 6 : 12);
            if (queued.isEmpty() || kind < 4) {
                int row = messages.add(++lastId);
                messages.received.set(row, random.nextInt(50));
                messages.sizeBytes(row, random.nextInt(5));
                int entry = entries.add(row, 0);
                queued.add(entry);
                place(entry, received(entry), true);
            } else if (kind == 4) {
                place(any(), random.nextInt(60) - 5, random.nextBoolean());
            } else if (kind == 5) { // as it was
                int entry = any();
                place(entry, received(entry), true);
            } else if (kind < 8 && !leasable.isEmpty()) {
                take(ORDERS.get(random.nextInt(3)), random.nextBoolean() ? Long.MAX_VALUE : random.nextInt(60));
            } else {
                int entry = any();
                lane.remove(entry);
                queued.remove((Integer) entry);
                leasable.remove((Integer) entry);
                int row = entries.message.get(entry);
                entries.remove(entry);
                messages.remove(row);
            }
        }

        private void take(LeaseOrder order, long dueBy) {
            int limit = 1 + random.nextInt(3);
            Comparator<Integer> byId = Comparator.comparingLong(entry -> messages.id.get(entries.message.get(entry)));
            Comparator<Integer> fresh = order == LeaseOrder.NEWEST
                    ? Comparator.comparing(this::received).reversed().thenComparing(byId)
                    : Comparator.<Integer>comparingLong(entry -> messages.sizeBytes(entries.message.get(entry)))
                            .thenComparing(byId);
            Comparator<Integer> others =
                    Comparator.<Integer>comparingLong(entries.due::get).thenComparing(byId);
            List<Integer> due = leasable.stream()
                    .filter(entry -> entries.due.get(entry) <= dueBy)
                    .toList();
            List<Integer> expected = new ArrayList<>();
            if (order == LeaseOrder.OLDEST) {
                due.stream().sorted(others).limit(limit).forEach(expected::add);
            } else {
                due.stream()
                        .filter(entry -> entries.due.get(entry) == received(entry))
                        .sorted(fresh)
                        .forEach(expected::add);
                due.stream()
                        .filter(entry -> entries.due.get(entry) != received(entry))
                        .sorted(others)
                        .forEach(expected::add);
            }
            List<Integer> taken = new ArrayList<>();
            for (int entry : lane.take(order, dueBy, limit)) {
                taken.add(entry);
            }
            assertThat(taken)
                    .as(order + " by " + dueBy)
                    .isEqualTo(expected.subList(0, Math.min(limit, expected.size())));
            leasable.removeAll(taken);
        }

        void check(String what) {
            assertThat(lane.entries()).as(what).containsExactlyInAnyOrder(queued.toArray(Integer[]::new));
            if (!queued.isEmpty()) {
                assertThat(lane.oldest())
                        .as(what)
                        .isEqualTo(
                                queued.stream().mapToLong(this::received).min().orElseThrow());
            }
            Comparator<Integer> byDue = Comparator.comparing(entries.due::get);
            assertThat(lane.due.isEmpty() ? null : lane.due.first())
                    .as(what)
                    .isEqualTo(leasable.stream()
                            .min(byDue.thenComparing(entry -> messages.id.get(entries.message.get(entry))))
                            .orElse(null));
        }
    }

    @Test
    void knowsItsOldestMessageAndWhatIsDueFirst() {
        for (int run = 0; run < RUNS; run++) {
            Compared one = new Compared(run);
            for (int step = 0; step < STEPS; step++) {
                one.step(step % 100 < 50);
                one.check("seed " + run + ", step " + step);
            }
        }
    }
}
