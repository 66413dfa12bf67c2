package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.backupmx.dns.MxLookup;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientFailed;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueueSnapshot;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryDecision;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.testkit.InMemorySpool.Call;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No fault around a delivery makes a message forgotten, on virtual time. */
@Timeout(30)
class DeliveryFaultTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");
    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void accept(String... recipients) {
        var client = engine.server.connect();
        for (String recipient : recipients) {
            assertThat(client.send("a@sender.test", MAIL, recipient)).isInstanceOf(Verdict.Accept.class);
        }
    }

    private SpoolId idOf(String recipient) throws SpoolException {
        return engine.spool.find(SpoolFilter.all(), Optional.empty(), 1000).stream()
                .filter(message -> message.message()
                        .envelope()
                        .recipients()
                        .get(0)
                        .toString()
                        .equals(recipient))
                .findAny()
                .orElseThrow()
                .message()
                .id();
    }

    private List<String> relayed() {
        return engine.client.relayed().stream()
                .map(mail -> mail.recipient().toString())
                .toList();
    }

    private int inFlight() throws SpoolException {
        return engine.mx.snapshot().domains().stream()
                .mapToInt(QueueSnapshot.DomainQueue::inFlight)
                .sum();
    }

    /** Makes the engine's spool throw, once each time it is told to, what no spool should. */
    private Map<String, RuntimeException> faultySpool() {
        return faultySpool(true, Spool.class);
    }

    private Map<String, RuntimeException> faultySpool(boolean isOnce, Class<?>... abilities) {
        Map<String, RuntimeException> faults = new ConcurrentHashMap<>();
        engine.builder.spool((Spool) Proxy.newProxyInstance(
                Spool.class.getClassLoader(), abilities, (proxy, method, arguments) -> {
                    RuntimeException fault = isOnce ? faults.remove(method.getName()) : faults.get(method.getName());
                    if (fault != null) {
                        throw fault;
                    }
                    try {
                        return method.invoke(engine.spool, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
        return faults;
    }

    @Test
    void aRetryPolicyThatThrowsForgetsNoMessage() throws Exception {
        engine.builder.retryPolicy((attempts, receivedAt, now) -> {
            throw new IllegalStateException("planned");
        });
        engine.start();
        engine.client.reply(ForwardPath.parse("u@example.test"), LATER);
        accept("u@example.test");
        engine.time.advance(Duration.ofMinutes(12));
        assertThat(engine.client.attempts()).as("no storm").hasSizeBetween(1, 3);
        assertThat(inFlight()).isZero();
        engine.client.reply(ForwardPath.parse("u@example.test"), OK);
        engine.time.advance(Duration.ofHours(2));
        assertThat(relayed()).containsExactly("u@example.test");
    }

    @Test
    void aRetryPolicyThatAnswersThePastMakesNoBusyLoop() {
        engine.builder.retryPolicy((attempts, receivedAt, now) -> new RetryDecision.RetryAt(now));
        engine.start();
        engine.client.reply(ForwardPath.parse("u@example.test"), LATER);
        accept("u@example.test");
        engine.time.advance(Duration.ofMinutes(35));
        assertThat(engine.client.attempts()).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "exception", "error"})
    void aClientThatBreaksItsPromisesForgetsNoMessage(String how) throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        engine.start();
        engine.time.run();
        engine.client.script(request -> {
            if (!broken.get()) {
                return engine.client.answer(request);
            }
            return switch (how) {
                case "null" -> null;
                case "exception" -> throw new IllegalStateException("planned");
                default -> throw new StackOverflowError("planned");
            };
        });
        accept("u@example.test");
        engine.time.run();
        assertThat(inFlight()).isZero();
        broken.set(false);
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(relayed()).containsExactly("u@example.test");
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    /** A bug that a message always meets takes no core and fills no log, in a drain neither. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFaultThatStaysMakesNoBusyLoop(boolean isDrain) throws Exception {
        if (isDrain) {
            engine.client.allDown();
        }
        engine.start();
        engine.time.advance(Duration.ofMinutes(2));
        AtomicBoolean broken = new AtomicBoolean(true);
        engine.client.script(request -> broken.get()
                        && request.recipients().get(0).path().equals(ForwardPath.parse("u@example.test"))
                ? CompletableFuture.completedFuture(new RelayResult.Attempted(List.of(
                        new RecipientOutcome.TransientFailure(LATER), new RecipientOutcome.TransientFailure(LATER))))
                : engine.client.answer(request));
        accept("u@example.test", "other@example.test");
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(12));
        assertThat(relayed()).containsExactly("other@example.test");
        assertThat(engine.client.attempts()).hasSizeBetween(3, 5);
        broken.set(false);
        engine.time.advance(Duration.ofMinutes(6));
        assertThat(relayed()).containsExactly("other@example.test", "u@example.test");
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aSettlementThatThrowsCostsARepetitionAtMost() throws Exception {
        Map<String, RuntimeException> faults = faultySpool();
        engine.start();
        engine.time.run();
        faults.put("settle", new IllegalStateException("planned"));
        accept("u@example.test");
        engine.time.run();
        assertThat(inFlight()).isZero();
        engine.time.advance(Duration.ofMinutes(3));
        assertThat(relayed()).hasSize(2);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aLaneGoesOnSoonAfterItsSpoolThrew() {
        Map<String, RuntimeException> faults = faultySpool();
        engine.start();
        engine.time.advance(Duration.ofSeconds(1));
        faults.put("lease", new IllegalStateException("planned"));
        accept("u@example.test");
        engine.time.advance(Duration.ofSeconds(6));
        assertThat(relayed()).containsExactly("u@example.test");
    }

    @Test
    void aRenewalThatThrowsLosesNoOtherLease() throws Exception {
        Map<String, RuntimeException> faults = faultySpool();
        engine.start();
        engine.time.run();
        engine.client.stall();
        accept("u0@example.test", "u1@example.test", "u2@example.test");
        for (int i = 0; i < 5; i++) {
            faults.put("renew", new IllegalStateException("planned"));
            engine.time.advance(Duration.ofSeconds(30));
        }
        engine.client.resume();
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(relayed()).hasSizeBetween(3, 4); // the one that was never renewed may have gone twice
    }

    @Test
    void aMessageWhoseLeaseIsLostIsNotAttempted() throws Exception {
        engine.start();
        for (int i = 0; i < 50; i++) { // until ten at a time are given
            accept("before" + i + "@example.test");
        }
        engine.time.run();
        engine.client.stall();
        for (int i = 0; i < 12; i++) {
            accept("u" + i + "@example.test");
        }
        engine.time.run();
        assertThat(engine.client.attempts()).hasSize(60);
        engine.mx.queue().delete(idOf("u11@example.test"));
        engine.time.advance(Duration.ofMinutes(2));
        engine.client.resume();
        engine.time.run();
        assertThat(relayed()).hasSize(61).doesNotContain("u11@example.test");
        assertThat(engine.client.attempts()).hasSize(61);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void anAttemptWhoseLeaseIsLostIsNotToldAsAnOutcome() throws Exception {
        engine.start();
        engine.time.run();
        engine.client.reply(ForwardPath.parse("u@example.test"), LATER);
        engine.client.stall();
        accept("u@example.test");
        engine.time.run();
        engine.mx.queue().order(QueueOrder.of(QueueOrder.Kind.DELETE_FOR_GOOD), idOf("u@example.test"));
        engine.time.advance(Duration.ofMinutes(2));
        engine.client.script(request -> CompletableFuture.completedFuture(
                new RelayResult.Attempted(List.of(new RecipientOutcome.TransientFailure(LATER)))));
        engine.client.resume();
        engine.time.run();
        assertThat(engine.events.events(RecipientDeferred.class)).isEmpty();
        assertThat(inFlight()).isZero();
    }

    @Test
    void aDsnThatCannotBeStoredKeepsTheFailureOpen() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        accept("never@example.test");
        engine.spool.failNext(Call.COMMIT, new SpoolUnavailableException("planned"));
        engine.time.run();
        assertThat(engine.events.events(RecipientFailed.class)).isEmpty();
        assertThat(engine.events.events(RecipientDeferred.class)).hasSize(1);
        assertThat(engine.mx.snapshot().queued()).isEqualTo(1);
        assertThat(relayed()).isEmpty();

        engine.spool.failNext(Call.BEGIN, new SpoolUnavailableException("planned"));
        engine.time.advance(Duration.ofSeconds(301));
        assertThat(engine.events.events(RecipientFailed.class)).isEmpty();

        engine.time.advance(Duration.ofSeconds(301));
        assertThat(engine.events.events(RecipientFailed.class))
                .singleElement()
                .satisfies(event -> assertThat(event.notified()).isTrue());
        assertThat(relayed()).containsExactly("a@sender.test");
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aDsnWhoseFailureIsNotSettledIsSentAgain() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        engine.time.run();
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        accept("never@example.test");
        engine.spool.failNext(Call.SETTLE, new SpoolUnavailableException("planned"));
        engine.time.advance(Duration.ofMinutes(3));
        assertThat(relayed()).containsExactly("a@sender.test", "a@sender.test");
        assertThat(engine.events.events(RecipientFailed.class)).hasSize(1);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aClockThatWasSetBackDelaysNoLaneToTheNextListing() {
        AtomicReference<Duration> back = new AtomicReference<>(Duration.ZERO);
        engine.builder
                .clock(() -> engine.time.now().minus(back.get()))
                .retryPolicy(RetryPolicy.intervals(Duration.ofMinutes(5)));
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        engine.client.reply(ForwardPath.parse("u@example.test"), LATER);
        accept("u@example.test");
        engine.time.run();
        engine.client.reply(ForwardPath.parse("u@example.test"), OK);
        engine.time.advance(Duration.ofSeconds(299));
        back.set(Duration.ofSeconds(3));
        engine.time.advance(Duration.ofSeconds(5));
        assertThat(relayed()).containsExactly("u@example.test");
    }

    private static RelayDomain at(String domain, String nextHop) {
        return RelayDomain.of(domain).withNextHops(List.of(NextHop.parse(nextHop)));
    }

    @Test
    void aPermitThatIsNotTakenGoesToTheNextLane() {
        engine.builder
                .relayDomains(RelayDomains.of(List.of(
                        at("one.test", "127.0.0.51:25"),
                        at("two.test", "127.0.0.52:25"),
                        at("three.test", "127.0.0.53:25"))))
                .maxDeliveriesPerPrimary(1)
                .maxDeliveries(1);
        engine.start();
        engine.time.run();
        engine.client.stall();
        accept("u@one.test");
        engine.time.run();
        accept("u@two.test");
        engine.time.run();
        accept("u@three.test");
        engine.time.run();
        engine.client.down("127.0.0.52");
        engine.time.advance(Duration.ofMinutes(10).plusSeconds(5));
        engine.client.resume();
        engine.time.run();
        assertThat(relayed()).containsExactly("u@one.test", "u@three.test");
    }

    @Test
    void oneDomainsTroubleWithTheDnsDoesNotReopenAPrimaryThatIsDown() throws Exception {
        engine.builder.relayDomains(
                RelayDomains.of(List.of(RelayDomain.of("byname.test"), at("other.test", "mx.byname.test:25"))));
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofMinutes(2));
        accept("u@other.test");
        engine.time.run();
        int attempts = engine.client.attempts().size();
        engine.resolver.lookup("byname.test", new MxLookup.TemporaryFailure("planned"));
        accept("u@byname.test");
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.client.attempts()).hasSize(attempts);
        assertThat(engine.mx.snapshot().domains())
                .filteredOn(queue -> queue.domain().equals(MailDomain.of("other.test")))
                .singleElement()
                .satisfies(queue -> assertThat(queue.health()).isEqualTo(PrimaryHealth.DOWN));
    }

    @Test
    void aReplyIsKeptInBounds() throws Exception {
        engine.start();
        SmtpReply endless =
                SmtpReply.of(450, LATER.enhanced(), Collections.nCopies(SmtpReply.MAX_LINES, "\u00e9".repeat(2000)));
        engine.client.reply(ForwardPath.parse("u@example.test"), endless);
        accept("u@example.test");
        engine.time.run();
        RecipientState state = engine.spool
                .find(idOf("u@example.test"))
                .orElseThrow()
                .lanes()
                .get(0)
                .recipients()
                .get(0)
                .state();
        assertThat(state).isInstanceOfSatisfying(RecipientState.Deferred.class, deferred -> {
            assertThat(deferred.reply().code()).isEqualTo(450);
            assertThat(deferred.reply().enhanced()).isEqualTo(LATER.enhanced());
            assertThat(String.join("\n", deferred.reply().lines()).length()).isLessThanOrEqualTo(1100);
        });
    }

    @Test
    void manyLanesHoldABoundedNumberOfLeases() throws Exception {
        int lanes = 200;
        AtomicInteger held = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<RelayDomain> domains = new ArrayList<>();
        for (int i = 0; i < lanes; i++) {
            domains.add(at("d" + i + ".test", "127.0.1." + i + ":25"));
        }
        engine.builder.relayDomains(RelayDomains.of(domains)).spool((Spool) Proxy.newProxyInstance(
                Spool.class.getClassLoader(), new Class<?>[] {Spool.class}, (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(engine.spool, arguments);
                        if (method.getName().equals("lease")) {
                            int now = held.addAndGet(((List<?>) answer).size());
                            most.accumulateAndGet(now, Math::max);
                        } else if (method.getName().equals("settle")) {
                            held.decrementAndGet();
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
        for (int i = 0; i < lanes * 100; i++) {
            try (SpoolWriter writer = engine.spool.begin(
                    Envelope.from(ReversePath.parse("a@sender.test"))
                            .to(Recipient.of(ForwardPath.parse("u@d" + i % lanes + ".test")))
                            .build(),
                    engine.time.now())) {
                writer.write(ByteBuffer.wrap(MAIL.getBytes(StandardCharsets.US_ASCII)));
                writer.commit();
            }
        }
        engine.client.stall();
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(most.get()).isBetween(1000, 11_000);
        engine.client.resume();
        engine.time.advance(Duration.ofSeconds(40));
        assertThat(engine.client.relayed()).hasSize(lanes * 100);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void anEngineThatEndedLeavesNothingInAnothersTimer() {
        engine.builder.retryPolicy(RetryPolicy.intervals(Duration.ofHours(5)));
        engine.start();
        engine.client.reply(ForwardPath.parse("u@example.test"), LATER);
        accept("u@example.test", "u@byname.test");
        engine.time.advance(Duration.ofMinutes(1));
        engine.stop();
        assertThat(engine.time.waiting()).isZero();
    }

    @Test
    void anExecutorThatRefusesFailsTheStart() {
        engine.start();
        BackupMx mx = new VirtualEngine()
                .builder
                .executor(task -> {
                    throw new RejectedExecutionException("planned");
                })
                .build();
        var started = mx.start().toCompletableFuture();
        assertThat(started).isCompletedExceptionally();
        assertThatThrownBy(started::join).hasRootCauseInstanceOf(RejectedExecutionException.class);
        assertThat(mx.stop().toCompletableFuture()).isDone();
    }

    @Test
    void anErrorInAPartFailsTheStart() {
        engine.start();
        VirtualEngine broken = new VirtualEngine();
        broken.builder.relayClient((RelayClient) Proxy.newProxyInstance(
                Spool.class.getClassLoader(), new Class<?>[] {RelayClient.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("start")) {
                        throw new NoClassDefFoundError("planned");
                    }
                    return method.invoke(broken.client, arguments);
                }));
        BackupMx mx = broken.builder.build();
        var started = mx.start().toCompletableFuture();
        broken.time.run();
        assertThat(started).isCompletedExceptionally();
        assertThat(mx.stop().toCompletableFuture()).isDone();
    }

    @Test
    void aFaultThatStaysMakesNoBusyLoopInADrainEither() throws Exception {
        Map<String, RuntimeException> faults =
                faultySpool(false, Spool.class, HoldableSpool.class, FindableSpool.class, DeletableSpool.class);
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        faults.put("hold", new IllegalStateException("planned"));
        accept("never@example.test", "other@example.test");
        engine.client.allUp();
        for (int second = 0; second < 240 && engine.client.attempts().size() < 100; second++) {
            engine.time.advance(Duration.ofSeconds(1));
        }
        assertThat(engine.client.attempts()).as("no storm").hasSize(2);
        assertThat(relayed()).containsExactly("other@example.test");
        engine.time.advance(Duration.ofMinutes(4));
        assertThat(engine.client.attempts()).as("one more after five minutes").hasSize(3);
        faults.clear();
        engine.time.advance(Duration.ofMinutes(6));
        assertThat(engine.spool.find(idOf("never@example.test")))
                .hasValueSatisfying(message -> assertThat(message.held()).isTrue());
    }

    @Test
    void aSpoolThatThrowsWhenADeadLetterIsToBeHeldKeepsNoMessageForEver() throws Exception {
        Map<String, RuntimeException> faults =
                faultySpool(false, Spool.class, HoldableSpool.class, FindableSpool.class, DeletableSpool.class);
        engine.start();
        engine.time.run();
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        faults.put("hold", new IllegalStateException("planned"));
        accept("never@example.test");
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(engine.client.attempts()).as("no storm").hasSize(1);
        faults.clear();
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(engine.spool.find(idOf("never@example.test")))
                .hasValueSatisfying(message -> assertThat(message.held()).isTrue());
    }
}
