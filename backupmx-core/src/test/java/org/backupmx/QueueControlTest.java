package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.backupmx.event.QueueOrdered;
import org.backupmx.health.HealthOverride;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.DrainProgress;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueueOrder.Kind;
import org.backupmx.queue.QueuePage;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueSelection;
import org.backupmx.queue.QueuedMail;
import org.backupmx.queue.RedirectPreview;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeRelayClient.Relayed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows G3 to G5, G8, G9 and G11: what operators do with the queue. */
class QueueControlTest {

    private static final String MAIL = "Subject: x\r\n\r\nbody\r\n";
    private static final MailDomain DOMAIN = MailDomain.of("example.test");
    private static final MailDomain SECOND = MailDomain.of("second.test");

    private final VirtualEngine engine = new VirtualEngine();

    @BeforeEach
    void start() {
        engine.client.allDown();
        engine.start();
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void accept(int from, int to, MailDomain domain) {
        for (int i = from; i < to; i++) {
            engine.server.connect().send("a@sender.test", MAIL, "user" + i + "@" + domain);
        }
        engine.time.run();
    }

    private List<SpoolId> ids(QueueSelection selection) throws Exception {
        List<SpoolId> ids = new ArrayList<>();
        Optional<SpoolId> after = Optional.empty();
        do {
            QueuePage page = engine.mx.queue().list(selection, after, 7);
            page.mails().forEach(mail -> ids.add(mail.id()));
            after = page.next();
        } while (after.isPresent());
        return ids;
    }

    private QueueProgress run(Kind kind, QueueSelection selection) throws Exception {
        QueuePlan plan = engine.mx.queue().plan(QueueOrder.of(kind), selection);
        CompletionStage<QueueProgress> end = engine.mx.queue().run(plan.token());
        engine.time.advance(Duration.ofMinutes(1));
        return end.toCompletableFuture().getNow(null);
    }

    private static QueueSelection of(MailDomain domain) {
        return QueueSelection.of(SpoolFilter.all().domain(domain));
    }

    private Set<String> relayedTo() {
        Set<String> to = new HashSet<>();
        engine.client.relayed().forEach(mail -> to.add(mail.recipient().toString()));
        return to;
    }

    @Test
    void listHoldsEachMessageOnceAndGoesOnAfterOneThatIsGone() throws Exception {
        accept(0, 30, DOMAIN);
        accept(0, 5, SECOND);
        assertThat(ids(QueueSelection.all())).hasSize(35).doesNotHaveDuplicates();
        assertThat(ids(of(SECOND))).hasSize(5);

        QueuePage first = engine.mx.queue().list(QueueSelection.all(), Optional.empty(), 10);
        assertThat(first.mails()).hasSize(10).allMatch(mail -> mail.area() == QueueArea.DELIVERY);
        engine.mx
                .queue()
                .order(QueueOrder.of(Kind.DELETE_FOR_GOOD), first.next().orElseThrow());
        QueuePage second = engine.mx.queue().list(QueueSelection.all(), first.next(), 1000);
        assertThat(second.mails()).hasSize(25);
        assertThat(second.next()).isEmpty();
        for (int limit : new int[] {0, 1001}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> engine.mx.queue().list(QueueSelection.all(), Optional.empty(), limit))
                    .withMessage("limit: " + limit + " (expected: 1 to 1000)");
        }
    }

    @Test
    void g3_flushOfOneMessageAttemptsItAtOnceAndNoOther() throws Exception {
        engine.client.allUp();
        for (int i = 0; i < 3; i++) {
            engine.client.reply(ForwardPath.parse("user" + i + "@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        }
        engine.time.advance(Duration.ofMinutes(2));
        accept(0, 3, DOMAIN);
        int before = engine.client.attempts().size();
        SpoolId id = ids(of(DOMAIN)).get(1);

        assertThat(engine.mx.queue().flush(id)).isTrue();
        engine.time.run();
        assertThat(engine.client.attempts()).hasSize(before + 1);
        assertThat(engine.mx.queue().flush(new SpoolId("1"))).isFalse();
    }

    /** A lease that is given back says anew when its message is due, and knows only what was so when it was taken. */
    @Test
    void g3_whatIsFlushedIsDueThoughALeaseOfItIsGivenBackJustThen() throws Exception {
        VirtualEngine other = new VirtualEngine();
        AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});
        other.builder.maxDeliveriesPerPrimary(1).spool((Spool) Proxy.newProxyInstance(
                Spool.class.getClassLoader(), InMemorySpool.class.getInterfaces(), (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(other.spool, arguments);
                        if (method.getName().equals("reschedule")) {
                            meanwhile.get().run();
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
        other.start();
        for (int i = 0; i < 2; i++) {
            String recipient = "user" + i + "@example.test";
            other.client.reply(ForwardPath.parse(recipient), SmtpReply.of(450, "4.2.1", "Later"));
            other.server.connect().send("a@sender.test", MAIL, recipient);
            other.time.run();
        }
        other.time.advance(Duration.ofMinutes(1));
        other.client.stall();
        other.mx.queue().flushAll();
        other.time.run();
        String underWay = other.client
                .attempts()
                .get(other.client.attempts().size() - 1)
                .recipients()
                .get(0)
                .path()
                .toString();
        SpoolId waiting = other.spool.find(SpoolFilter.all(), Optional.empty(), 2).stream()
                .filter(message -> !message.message()
                        .envelope()
                        .recipients()
                        .get(0)
                        .path()
                        .toString()
                        .equals(underWay))
                .findFirst()
                .orElseThrow()
                .id();
        Supplier<Instant> due = () -> {
            try {
                return other.spool.find(waiting).orElseThrow().lanes().get(0).due();
            } catch (SpoolException e) {
                throw new AssertionError(e);
            }
        };
        assertThat(due.get()).as("leased by the drain, before its time").isAfter(other.time.now());

        meanwhile.set(() -> {
            other.mx.health().override(DOMAIN, HealthOverride.of(HealthOverride.Kind.FORCE_DOWN));
            other.time.run();
        });
        assertThat(other.mx.queue().flush(waiting)).isTrue();
        assertThat(due.get()).isEqualTo(other.time.now());
        other.client.resume();
        other.stop();
    }

    @Test
    void g4_resetRetriesBeginsTheAttemptsAnewAndKeepsTheAge() throws Exception {
        engine.client.allUp();
        engine.client.reply(ForwardPath.parse("user0@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        engine.time.advance(Duration.ofMinutes(2));
        accept(0, 1, DOMAIN);
        Instant received = engine.time.now();
        engine.time.advance(Duration.ofHours(5));
        SpoolId id = ids(QueueSelection.all()).get(0);
        int attempts = attempts(id);
        assertThat(attempts).isGreaterThan(4);

        int before = engine.client.attempts().size();
        assertThat(run(Kind.RESET_RETRIES, of(DOMAIN)).changed()).isEqualTo(1);
        assertThat(engine.client.attempts()).hasSize(before + 1);
        assertThat(attempts(id)).isEqualTo(1);
        QueuedMessage message = engine.mx.queue().find(id).orElseThrow();
        assertThat(message.message().receivedAt()).isEqualTo(received);
        assertThat(message.lanes().get(0).due())
                .as("the first interval again")
                .isBefore(engine.time.now().plus(Duration.ofMinutes(6)));
    }

    private int attempts(SpoolId id) throws Exception {
        return engine.mx.queue().find(id).orElseThrow().lanes().get(0).attempts();
    }

    @Test
    void g4_renewedMailHasANewAgeAndGoesToWhoeverIsLeft() throws Exception {
        engine.client.allUp();
        engine.client.reply(ForwardPath.parse("late@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        engine.time.advance(Duration.ofMinutes(2));
        engine.server.connect().send("a@sender.test", MAIL, "done@example.test", "late@example.test");
        engine.time.advance(Duration.ofDays(2));
        SpoolId old = ids(QueueSelection.all()).get(0);
        String mailData = engine.client.relayed().get(0).mailData();

        QueueProgress end = run(Kind.RENEW, QueueSelection.messages(List.of(old)));
        assertThat(end.changed()).isEqualTo(1);
        SpoolId copy = ids(QueueSelection.all()).get(0);
        assertThat(copy).isNotEqualTo(old);
        QueuedMessage message = engine.mx.queue().find(copy).orElseThrow();
        assertThat(message.message().receivedAt()).isAfter(engine.time.now().minus(Duration.ofMinutes(2)));
        assertThat(message.message().envelope().recipients()).hasToString("[late@example.test]");
        assertThat(message.held()).isFalse();

        engine.client.reply(ForwardPath.parse("late@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(engine.client.relayed()).extracting(Relayed::mailData).containsExactly(mailData, mailData);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void g4_mailThatIsBeingAttemptedIsNotRenewed() throws Exception {
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(2));
        engine.client.stall();
        accept(0, 1, DOMAIN);
        SpoolId id = ids(QueueSelection.all()).get(0);
        QueueProgress end = run(Kind.RENEW, QueueSelection.messages(List.of(id)));
        assertThat(end.changed()).isZero();
        assertThat(end.unchanged()).isEqualTo(1);
        engine.client.resume();
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void g5_heldMailStaysUntilItIsReleased() throws Exception {
        accept(0, 10, DOMAIN);
        accept(0, 3, SECOND);
        assertThat(run(Kind.HOLD, of(DOMAIN)).changed()).isEqualTo(10);
        assertThat(ids(QueueSelection.all().in(QueueArea.HELD))).hasSize(10);
        assertThat(ids(QueueSelection.all().in(QueueArea.DELIVERY))).hasSize(3);

        engine.client.allUp();
        engine.time.advance(Duration.ofDays(20));
        assertThat(engine.client.relayed()).hasSize(3);
        assertThat(ids(QueueSelection.all())).as("held mail does not expire").hasSize(10);

        assertThat(run(Kind.RELEASE, of(SECOND)).changed()).isZero();
        assertThat(run(Kind.RELEASE, QueueSelection.messages(ids(of(DOMAIN)).subList(0, 4)))
                        .changed())
                .isEqualTo(4);
        assertThat(relayedTo()).contains("user0@example.test", "user3@example.test");
        assertThat(ids(QueueSelection.all())).hasSize(6);
    }

    /** What is leased and waits for its turn is not attempted either: only what is under way goes on. */
    @Test
    void g5_holdTakesBackWhatWaitsForItsTurn() throws Exception {
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(2));
        engine.client.stall();
        accept(0, 60, DOMAIN);
        int flying = engine.client.attempts().size();
        assertThat(flying).isBetween(1, 20);
        assertThat(run(Kind.HOLD, of(DOMAIN)).changed()).isEqualTo(60);
        engine.client.resume();
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.client.relayed()).hasSize(flying);
        assertThat(ids(QueueSelection.all().in(QueueArea.HELD))).hasSize(60 - flying);
    }

    @Test
    void g11_deletedMailIsOutOfSightAndCanBeHadBackForThreeDays() throws Exception {
        accept(0, 6, DOMAIN);
        List<SpoolId> all = ids(QueueSelection.all());
        engine.mx.queue().hold(all.get(5));
        QueueOrder order = QueueOrder.of(Kind.DELETE).because("spam wave").by("root");
        for (SpoolId id : List.of(all.get(0), all.get(1), all.get(5))) {
            assertThat(engine.mx.queue().order(order, id)).isTrue();
            assertThat(engine.mx.queue().order(order, id)).as("twice").isFalse();
        }

        assertThat(ids(QueueSelection.all())).containsExactlyElementsOf(all.subList(2, 5));
        assertThat(engine.mx.snapshot().queued()).isEqualTo(3);
        assertThat(engine.mx.snapshot().domains())
                .filteredOn(one -> one.domain().equals(DOMAIN))
                .singleElement()
                .satisfies(one -> {
                    assertThat(one.held()).isZero();
                    assertThat(one.bytes()).isEqualTo(3 * bytes(all.get(2)));
                });
        assertThat(ids(QueueSelection.all().in(QueueArea.RECYCLED)))
                .containsExactly(all.get(0), all.get(1), all.get(5));
        QueuedMail recycled = engine.mx.queue().show(all.get(0)).orElseThrow();
        assertThat(recycled.area()).isEqualTo(QueueArea.RECYCLED);
        assertThat(recycled.detail()).isEqualTo("by root: spam wave");
        assertThat(recycled.until()).contains(engine.time.now().plus(Duration.ofDays(3)));

        assertThat(engine.mx.queue().release(all.get(0)))
                .as("restore, not release")
                .isFalse();
        assertThat(run(Kind.RESTORE, QueueSelection.messages(List.of(all.get(0), all.get(5))))
                        .changed())
                .isEqualTo(2);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(relayedTo())
                .containsExactlyInAnyOrder(
                        "user0@example.test", "user2@example.test", "user3@example.test", "user4@example.test");
        assertThat(engine.mx.queue().show(all.get(5)))
                .as("it was held")
                .hasValueSatisfying(mail -> assertThat(mail.area()).isEqualTo(QueueArea.HELD));

        engine.time.advance(Duration.ofHours(71));
        assertThat(engine.mx.queue().show(all.get(1))).isPresent();
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.mx.queue().show(all.get(1))).isEmpty();
        assertThat(engine.mx.queue().show(all.get(5))).isPresent();
    }

    private long bytes(SpoolId id) throws Exception {
        return engine.mx.queue().find(id).orElseThrow().message().sizeBytes();
    }

    @Test
    void g11_theRecycleAreaIsEmptiedForGoodOnlyIfSaid() throws Exception {
        accept(0, 4, DOMAIN);
        List<SpoolId> all = ids(QueueSelection.all());
        run(Kind.DELETE, QueueSelection.messages(all.subList(0, 2)));
        assertThat(run(Kind.DELETE_FOR_GOOD, of(DOMAIN)).changed()).isEqualTo(2);
        assertThat(ids(QueueSelection.all().in(QueueArea.RECYCLED))).containsExactlyElementsOf(all.subList(0, 2));
        assertThat(run(Kind.DELETE_FOR_GOOD, QueueSelection.messages(List.of(all.get(0))))
                        .changed())
                .isEqualTo(1);
        assertThat(run(Kind.DELETE_FOR_GOOD, QueueSelection.all().in(QueueArea.RECYCLED))
                        .changed())
                .isEqualTo(1);
        assertThat(engine.spool.lanes()).isEmpty();
    }

    @Test
    void g11_withoutARecycleAreaDeletedMailIsGoneAtOnce() throws Exception {
        engine.stop();
        VirtualEngine without = engine.restarted();
        without.builder.recycleFor(Duration.ZERO);
        without.client.allDown();
        without.start();
        without.server.connect().send("a@sender.test", MAIL, "u@example.test");
        without.time.run();
        SpoolId id = without.mx
                .queue()
                .list(QueueSelection.all(), Optional.empty(), 1)
                .mails()
                .get(0)
                .id();
        assertThat(without.mx.queue().delete(id)).isTrue();
        assertThat(without.spool.lanes()).isEmpty();
        without.stop();
        engine.start(); // for the end
    }

    @Test
    void whatWasPlannedIsChangedAndNothingElse() throws Exception {
        accept(0, 250, DOMAIN);
        QueuePlan plan = engine.mx.queue().plan(QueueOrder.of(Kind.HOLD), of(DOMAIN));
        assertThat(plan.messages()).isEqualTo(250);
        long bytes = 0;
        for (SpoolId id : ids(of(DOMAIN))) {
            bytes += bytes(id);
        }
        assertThat(plan.bytes()).isEqualTo(bytes);
        accept(250, 300, DOMAIN);
        engine.mx
                .queue()
                .order(QueueOrder.of(Kind.DELETE_FOR_GOOD), ids(of(DOMAIN)).get(3));

        CompletionStage<QueueProgress> end = engine.mx.queue().run(plan.token());
        assertThat(engine.mx.queue().progress(plan.token())).hasValueSatisfying(now -> {
            assertThat(now.end()).isEqualTo(QueueProgress.End.RUNNING);
            assertThat(now.done()).isZero();
        });
        engine.time.run();
        assertThat(engine.mx.queue().progress(plan.token()).orElseThrow().done())
                .isEqualTo(100);
        engine.time.advance(Duration.ofSeconds(1));

        QueueProgress told = end.toCompletableFuture().getNow(null);
        assertThat(told.end()).isEqualTo(QueueProgress.End.COMPLETE);
        assertThat(told.changed()).isEqualTo(249);
        assertThat(told.unchanged()).isEqualTo(1);
        assertThat(ids(QueueSelection.all().in(QueueArea.HELD))).hasSize(249);
        assertThat(ids(QueueSelection.all().in(QueueArea.DELIVERY))).hasSize(50);
    }

    @Test
    void anOrderIsStoppedBetweenTwoMessages() throws Exception {
        accept(0, 250, DOMAIN);
        QueuePlan plan = engine.mx.queue().plan(QueueOrder.of(Kind.HOLD), of(DOMAIN));
        CompletionStage<QueueProgress> end = engine.mx.queue().run(plan.token());
        engine.time.run();
        engine.mx.queue().stop(plan.token());
        engine.time.advance(Duration.ofSeconds(1));
        QueueProgress told = end.toCompletableFuture().getNow(null);
        assertThat(told.end()).isEqualTo(QueueProgress.End.STOPPED);
        assertThat(told.changed()).isEqualTo(100);
        assertThat(ids(QueueSelection.all().in(QueueArea.HELD))).hasSize(100);
    }

    @Test
    void theEndOfTheEngineEndsOrders() throws Exception {
        accept(0, 250, DOMAIN);
        QueuePlan plan = engine.mx.queue().plan(QueueOrder.of(Kind.HOLD), of(DOMAIN));
        CompletionStage<QueueProgress> end = engine.mx.queue().run(plan.token());
        engine.time.run();
        engine.stop();
        engine.time.advance(Duration.ofSeconds(1));
        assertThat(end.toCompletableFuture().getNow(null).end()).isEqualTo(QueueProgress.End.STOPPED);
        engine.start();
    }

    @Test
    void aPlanIsGoodOnceAndForTenMinutes() throws Exception {
        accept(0, 3, DOMAIN);
        String message =
                "token: of no plan that waits (expected: one of the last 10 minutes, not used yet; plan it again)";
        QueuePlan used = engine.mx.queue().plan(QueueOrder.of(Kind.HOLD), of(DOMAIN));
        engine.mx.queue().run(used.token());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> engine.mx.queue().run(used.token()))
                .withMessage(message);
        QueuePlan old = engine.mx.queue().plan(QueueOrder.of(Kind.RELEASE), of(DOMAIN));
        engine.time.advance(Duration.ofMinutes(10));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> engine.mx.queue().run(old.token()))
                .withMessage(message);
        assertThat(engine.mx.queue().progress(used.token())).as("forgotten").isEmpty();
        QueuePlan first = engine.mx.queue().plan(QueueOrder.of(Kind.RELEASE), of(DOMAIN));
        for (int i = 0; i < 8; i++) {
            engine.mx.queue().plan(QueueOrder.of(Kind.RELEASE), of(DOMAIN));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> engine.mx.queue().run(first.token()));
        assertThatIllegalArgumentException().isThrownBy(() -> engine.mx.queue().run("nonsense"));
    }

    @Test
    void fourOrdersRunAtATime() throws Exception {
        accept(0, 1, DOMAIN);
        for (int i = 0; i < 4; i++) {
            engine.mx
                    .queue()
                    .run(engine.mx
                            .queue()
                            .plan(QueueOrder.of(Kind.RESET_RETRIES), of(DOMAIN))
                            .token());
        }
        QueuePlan fifth = engine.mx.queue().plan(QueueOrder.of(Kind.RESET_RETRIES), of(DOMAIN));
        assertThatIllegalStateException()
                .isThrownBy(() -> engine.mx.queue().run(fifth.token()))
                .withMessageStartingWith("orders: 4 run");
        engine.time.run();
        engine.mx.queue().run(fifth.token());
    }

    @Test
    void everyOrderIsTold() throws Exception {
        accept(0, 3, DOMAIN);
        SpoolId id = ids(QueueSelection.all()).get(0);
        engine.mx.queue().order(QueueOrder.of(Kind.HOLD).by("alice").because("looks odd"), id);
        QueuePlan plan =
                engine.mx.queue().plan(QueueOrder.of(Kind.DELETE).by("bob").because("spam"), of(DOMAIN));
        engine.mx.queue().run(plan.token());
        engine.time.run();
        try (InputStream in = engine.mx.queue().read(id, "carol")) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.US_ASCII)).endsWith(MAIL);
        }
        engine.mx.queue().redirect(DOMAIN, NextHop.parse("127.0.0.60:25"), "dave");
        engine.mx.queue().endRedirect(DOMAIN, "dave");
        engine.mx.queue().flushOutsideHours(DOMAIN, "erin");
        engine.time.run();

        assertThat(engine.events.events(QueueOrdered.class))
                .extracting(event -> event.by() + " " + event.order() + " " + event.subject() + " " + event.planned()
                        + " " + event.changed() + " " + event.end() + " " + event.reason())
                .containsExactly(
                        "alice HOLD " + id + " 1 1 COMPLETE looks odd",
                        "bob DELETE domain=example.test 3 3 COMPLETE spam",
                        "carol READ " + id + " 1 0 COMPLETE ",
                        "dave REDIRECT example.test to 127.0.0.60:25 0 0 COMPLETE ",
                        "dave END_REDIRECT example.test 0 0 COMPLETE ",
                        "erin FLUSH_OUTSIDE_HOURS domain=example.test 0 0 COMPLETE ");
    }

    @Test
    void g9_redirectedMailGoesElsewhereUntilItIsEnded() throws Exception {
        engine.client.allUp();
        engine.client.down("127.0.0.50");
        accept(0, 3, DOMAIN);
        accept(0, 2, SECOND);
        CompletionStage<RedirectPreview> asked =
                engine.mx.queue().previewRedirect(DOMAIN, NextHop.parse("127.0.0.60:2525"));
        engine.time.run();
        RedirectPreview preview = asked.toCompletableFuture().getNow(null);
        assertThat(preview.messages()).isEqualTo(3);
        assertThat(preview.addresses()).containsExactly("127.0.0.60:2525[127.0.0.60]");
        assertThat(preview.trouble()).isEmpty();
        assertThat(engine.client.relayed()).isEmpty();

        engine.time.advance(Duration.ofSeconds(1));
        engine.mx.queue().redirect(DOMAIN, NextHop.parse("127.0.0.60:2525"), "me");
        engine.time.run();
        accept(3, 5, DOMAIN);
        assertThat(engine.mx.queue().redirects()).hasToString("{example.test=127.0.0.60:2525}");
        assertThat(engine.client.relayed())
                .hasSize(5)
                .allSatisfy(mail -> assertThat(mail.nextHop().nextHop()).hasToString("127.0.0.60:2525"));
        assertThat(relayedTo()).noneMatch(to -> to.endsWith("@second.test"));

        assertThat(engine.mx.queue().endRedirect(DOMAIN, "me")).isTrue();
        assertThat(engine.mx.queue().endRedirect(DOMAIN, "me")).isFalse();
        engine.time.run();
        accept(5, 6, DOMAIN);
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(engine.client.relayed()).as("its own primary is down").hasSize(5);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(relayedTo()).contains("user5@example.test", "user1@second.test");
    }

    @Test
    void g9_aPreviewTellsOfTrouble() throws Exception {
        engine.resolver.host("new.example.test", "10.0.0.9");
        CompletionStage<RedirectPreview> unreachable =
                engine.mx.queue().previewRedirect(DOMAIN, NextHop.parse("new.example.test"));
        CompletionStage<RedirectPreview> unknown =
                engine.mx.queue().previewRedirect(DOMAIN, NextHop.parse("none.example.test"));
        engine.time.run();
        assertThat(unreachable.toCompletableFuture().getNow(null).addresses())
                .containsExactly("new.example.test:25[10.0.0.9]");
        assertThat(unreachable.toCompletableFuture().getNow(null).trouble()).isEqualTo("connection refused");
        assertThat(unknown.toCompletableFuture().getNow(null).addresses()).isEmpty();
        assertThat(unknown.toCompletableFuture().getNow(null).trouble()).contains("none.example.test:25: no address");
    }

    @Test
    void g8_aDrainTellsWhatIsLeftAndHowLongItTakes() throws Exception {
        accept(0, 300, DOMAIN);
        accept(0, 10, SECOND);
        DrainProgress before = engine.mx.queue().drain();
        assertThat(before.domains())
                .extracting(one ->
                        one.domain() + " " + one.left() + " " + one.sent() + " " + one.perSecond() + " " + one.eta())
                .containsExactly("example.test 300 0 0.0 Optional.empty", "second.test 10 0 0.0 Optional.empty");

        engine.client.reply(ForwardPath.parse("user7@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        engine.client.reply(ForwardPath.parse("user8@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(3));
        assertThat(engine.mx.queue().drain().domains())
                .filteredOn(one -> one.domain().equals(DOMAIN))
                .singleElement()
                .satisfies(one -> {
                    assertThat(one.left()).isEqualTo(1);
                    assertThat(one.sent()).isEqualTo(298);
                    assertThat(one.failed()).isEqualTo(1);
                    assertThat(one.deferred()).isPositive();
                });
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(engine.mx.queue().drain().domains()).allMatch(one -> one.perSecond() == 0);
    }

    @Test
    void aSpoolWithoutTheAbilityIsNamed() throws Exception {
        engine.stop();
        VirtualEngine bare = new VirtualEngine(engine.time, InMemorySpool.create());
        bare.builder.spool(new BareSpool(bare.spool));
        bare.start();
        assertThatIllegalStateException()
                .isThrownBy(() -> bare.mx.queue().plan(QueueOrder.of(Kind.RESET_RETRIES), QueueSelection.all()))
                .withMessage("spool: org.backupmx.BareSpool (expected: a ResettableSpool)");
        assertThatIllegalStateException()
                .isThrownBy(() -> bare.mx.queue().list(QueueSelection.all(), Optional.empty(), 1))
                .withMessage("spool: org.backupmx.BareSpool (expected: a FindableSpool)");
        assertThatIllegalStateException()
                .isThrownBy(() -> bare.mx.queue().delete(new SpoolId("1")))
                .withMessage("spool: org.backupmx.BareSpool (expected: a DeletableSpool)");
        bare.stop();
        engine.start();
    }
}
