package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueueOrder.Kind;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueSelection;
import org.backupmx.queue.QueuedMail;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/** Orders for many change exactly what was counted, also while mail comes and goes meanwhile. */
class QueueOrdersPropertyTest {

    @Property(tries = 60)
    void whatWasCountedIsChangedOrHasGoneAndNothingElseChanges(
            @ForAll @IntRange(min = 1, max = 1_000_000) int seed, @ForAll Kind kind) throws Exception {
        VirtualEngine engine = new VirtualEngine();
        Random random = new Random(seed);
        engine.client.down("127.0.0.50");
        engine.start();
        accept(engine, random, 120 + random.nextInt(150));
        Map<SpoolId, QueuedMail> before = all(engine);
        for (SpoolId id : before.keySet()) {
            switch (random.nextInt(6)) {
                case 0 -> engine.mx.queue().hold(id);
                case 1 -> engine.mx.queue().delete(id);
                default -> {}
            }
        }
        before = all(engine);
        QueueSelection selection = selection(random, before);
        QueuePlan plan = engine.mx.queue().plan(QueueOrder.of(kind), selection);
        Set<SpoolId> planned = planned(before, kind, selection);
        assertThat(plan.messages()).isEqualTo(planned.size());

        // meanwhile: more mail, and perhaps the primary is back
        accept(engine, random, random.nextInt(20));
        if (random.nextBoolean()) {
            engine.client.allUp();
        }
        CompletionStage<QueueProgress> end = engine.mx.queue().run(plan.token());
        for (int i = 0; i < 40; i++) {
            engine.time.advance(Duration.ofMillis(random.nextInt(100)));
        }
        engine.time.advance(Duration.ofSeconds(5));
        QueueProgress told = end.toCompletableFuture().getNow(null);

        assertThat(told.end()).isEqualTo(QueueProgress.End.COMPLETE);
        assertThat(told.done()).isEqualTo(plan.messages());
        assertThat(told.failed()).isZero();
        Map<SpoolId, QueuedMail> after = all(engine);
        int moved = 0;
        for (Map.Entry<SpoolId, QueuedMail> each : before.entrySet()) {
            boolean isChanged = isChanged(kind, each.getValue(), after.get(each.getKey()));
            if (planned.contains(each.getKey())) {
                moved += isChanged ? 1 : 0;
            } else if (kind != Kind.FLUSH && kind != Kind.RESET_RETRIES) {
                assertThat(hasMoved(each.getValue(), after.get(each.getKey())))
                        .as("not meant: %s", each.getKey())
                        .isFalse();
            }
        }
        if (kind != Kind.FLUSH && kind != Kind.RESET_RETRIES) {
            assertThat(told.changed()).isLessThanOrEqualTo(moved);
        }
        if (!engine.client.relayed().isEmpty()) {
            assertThat(told.changed() + told.unchanged()).isEqualTo(planned.size());
        } else {
            assertThat(told.changed()).isEqualTo(planned.size());
        }
        engine.stop();
    }

    private static void accept(VirtualEngine engine, Random random, int count) {
        for (int i = 0; i < count; i++) {
            String domain = random.nextBoolean() ? "example.test" : "second.test";
            String from = random.nextBoolean() ? "a@sender.test" : "";
            String to = "user" + random.nextInt(10) + "@" + domain;
            engine.client.reply(ForwardPath.parse(to), SmtpReply.of(250, "2.0.0", "Ok"));
            engine.server.connect().send(from, "Subject: x\r\n\r\n" + "y".repeat(random.nextInt(200)) + "\r\n", to);
        }
        engine.time.run();
    }

    private static Map<SpoolId, QueuedMail> all(VirtualEngine engine) throws Exception {
        Map<SpoolId, QueuedMail> all = new HashMap<>();
        Optional<SpoolId> after = Optional.empty();
        do {
            var page =
                    engine.mx.queue().list(QueueSelection.all().in(QueueArea.DELIVERY, QueueArea.values()), after, 100);
            page.mails().forEach(mail -> all.put(mail.id(), mail));
            after = page.next();
        } while (after.isPresent());
        return all;
    }

    private static QueueSelection selection(Random random, Map<SpoolId, QueuedMail> all) {
        SpoolFilter filter = SpoolFilter.all();
        if (random.nextBoolean()) {
            filter = filter.domain(MailDomain.of("example.test"));
        }
        if (random.nextInt(3) == 0) {
            filter = filter.reversePath(ReversePath.nullPath());
        }
        if (random.nextInt(3) == 0) {
            filter = filter.largerThan(300);
        }
        QueueSelection selection = random.nextInt(5) == 0
                ? QueueSelection.messages(all.keySet().stream().limit(50).toList())
                : QueueSelection.of(filter);
        return random.nextInt(4) == 0 ? selection.in(QueueArea.HELD, QueueArea.RECYCLED) : selection;
    }

    /** The definition, once more and simpler. */
    private static Set<SpoolId> planned(Map<SpoolId, QueuedMail> all, Kind kind, QueueSelection selection) {
        Set<SpoolId> planned = new HashSet<>();
        all.forEach((id, mail) -> {
            boolean isMeant = selection.ids().isEmpty()
                    ? selection.filter().matches(mail.message())
                    : selection.ids().contains(id);
            List<QueueArea> can = switch (kind) {
                case FLUSH, HOLD -> List.of(QueueArea.DELIVERY);
                case RESET_RETRIES, RENEW, DELETE -> List.of(QueueArea.DELIVERY, QueueArea.HELD);
                case RELEASE -> List.of(QueueArea.HELD);
                case RESTORE -> List.of(QueueArea.RECYCLED);
                case DELETE_FOR_GOOD ->
                    selection.ids().isEmpty() && selection.areas().isEmpty()
                            ? List.of(QueueArea.DELIVERY, QueueArea.HELD)
                            : List.of(QueueArea.DELIVERY, QueueArea.HELD, QueueArea.RECYCLED);
            };
            if (isMeant
                    && can.contains(mail.area())
                    && (selection.areas().isEmpty() || selection.areas().contains(mail.area()))) {
                planned.add(id);
            }
        });
        return planned;
    }

    /** Tells whether a message is where an order, or a delivery, would have it. */
    private static boolean isChanged(Kind kind, QueuedMail before, QueuedMail after) {
        return switch (kind) {
            case FLUSH, RESET_RETRIES -> true;
            case RENEW, DELETE_FOR_GOOD -> after == null;
            case HOLD -> after == null || after.area() == QueueArea.HELD;
            case DELETE -> after == null || after.area() == QueueArea.RECYCLED;
            case RELEASE, RESTORE -> after == null || after.area() != before.area();
        };
    }

    /** Tells whether a message is in another area; gone is delivered, as nobody else could take it. */
    private static boolean hasMoved(QueuedMail before, QueuedMail after) {
        return after == null ? before.area() != QueueArea.DELIVERY : after.area() != before.area();
    }
}
