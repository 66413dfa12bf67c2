package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.event.CapabilityRefused;
import org.backupmx.event.RecipientFailed;
import org.backupmx.health.HealthProbe;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Notify;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a primary cannot take is not accepted for it (X12, F11), whether it is up or down. */
class CapabilityMismatchTest {

    private static final int LIMIT = 200_000;
    private static final String MAIL = "Subject: x\r\n\r\nbody\r\n";
    private static final String UTF8_MAIL = "Subject: gr\u00fc\u00dfe\r\n\r\nbody\r\n";
    private static final String EIGHT_BIT_MAIL = "Subject: x\r\n\r\ngr\u00fc\u00dfe\r\n";
    private static final String LARGE_MAIL = "Subject: x\r\n\r\n" + "0123456789abcdef\r\n".repeat(LIMIT / 18 + 1);

    private final HistoryStore store = HistoryStore.inMemory(10_000);
    private VirtualEngine engine = engine(new VirtualEngine());
    private List<String> offered = List.of();

    private VirtualEngine engine(VirtualEngine made) {
        made.builder.historyStore(store);
        made.client.script(this::primary);
        return made;
    }

    private void offers(String... extensions) {
        offered = List.of(extensions);
        engine.client.extensions(extensions);
    }

    /** The primary, and what the relay client judges before it says a word. */
    private CompletionStage<RelayResult> primary(RelayRequest request) {
        boolean lacksUtf8 = !offered.contains("SMTPUTF8");
        boolean lacksSize =
                offered.contains("SIZE " + LIMIT) && request.mailData().sizeBytes() > LIMIT;
        boolean reverse = request.envelope()
                .reversePath()
                .mailbox()
                .map(Mailbox::needsSmtpUtf8)
                .orElse(false);
        List<RecipientOutcome> outcomes = request.recipients().stream()
                .map(recipient -> {
                    boolean address = reverse || recipient.path().mailbox().needsSmtpUtf8();
                    boolean header = request.envelope().smtpUtf8() && hasUtf8Header(request);
                    if (lacksSize) {
                        return refused(552, "5.3.4");
                    }
                    return lacksUtf8 && (address || header) ? refused(550, "5.6.7") : null;
                })
                .toList();
        return outcomes.contains(null)
                ? engine.client.answer(request)
                : CompletableFuture.completedFuture(new RelayResult.Attempted(outcomes));
    }

    private static RecipientOutcome refused(int code, String enhanced) {
        return new RecipientOutcome.PermanentFailure(SmtpReply.of(code, enhanced, "Not here"));
    }

    private static boolean hasUtf8Header(RelayRequest request) {
        try (InputStream in = request.mailData().open()) {
            String text = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
            return text.substring(0, text.indexOf("\r\n\r\n")).chars().anyMatch(c -> c > 127);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MailParameters parameters(long size, BodyType body, boolean utf8) {
        return new MailParameters(size, body, utf8, DsnParameters.none());
    }

    private Verdict send(String feature) {
        FakeIntakeServer.Client client = engine.server.connect();
        return switch (feature) {
            case "SIZE declared" -> {
                client.mail("a@sender.test", parameters(LIMIT + 1, BodyType.SEVEN_BIT, false));
                yield client.rcpt("u@example.test");
            }
            case "SIZE counted" -> client.send("a@sender.test", LARGE_MAIL, "u@example.test");
            case "SIZE short of our field" -> {
                client.mail("a@sender.test", parameters(LIMIT - 100, BodyType.SEVEN_BIT, false));
                yield client.rcpt("u@example.test");
            }
            case "UTF8 recipient" -> utf8(client, "a@sender.test", "j\u00fcrgen@example.test", MAIL);
            case "UTF8 sender" -> utf8(client, "j\u00fcrgen@sender.test", "u@example.test", MAIL);
            case "UTF8 header" -> utf8(client, "a@sender.test", "u@example.test", UTF8_MAIL);
            case "UTF8 without need" -> utf8(client, "a@sender.test", "u@example.test", EIGHT_BIT_MAIL);
            case "8BITMIME" -> {
                client.mail("a@sender.test", parameters(-1, BodyType.EIGHT_BIT_MIME, false));
                client.rcpt("u@example.test");
                yield client.data(EIGHT_BIT_MAIL);
            }
            case "DSN" -> {
                client.mail("a@sender.test");
                client.session()
                        .rcpt(
                                ForwardPath.parse("u@example.test"),
                                RcptParameters.of(Set.of(Notify.FAILURE), Optional.of("rfc822;u@example.test")));
                yield client.data(MAIL);
            }
            default -> throw new AssertionError(feature);
        };
    }

    private static Verdict utf8(FakeIntakeServer.Client client, String from, String to, String mail) {
        client.mail(from, parameters(-1, BodyType.EIGHT_BIT_MIME, true));
        Verdict verdict = client.rcpt(to);
        return verdict instanceof Verdict.Accept ? client.data(mail) : verdict;
    }

    /** Feature, the answer if the primary offers it, and if it does not. */
    @ParameterizedTest(name = "{0}: {1}, {2}")
    @CsvSource({
        "SIZE declared,           250 2.1.5, 552 5.3.4",
        "SIZE counted,            250 2.0.0, 552 5.3.4",
        "SIZE short of our field, 250 2.1.5, 552 5.3.4",
        "UTF8 recipient,          250 2.0.0, 550 5.6.7",
        "UTF8 sender,             250 2.0.0, 550 5.6.7",
        "UTF8 header,             250 2.0.0, 550 5.6.9",
        "UTF8 without need,       250 2.0.0, 250 2.0.0",
        "8BITMIME,                250 2.0.0, 250 2.0.0",
        "DSN,                     250 2.0.0, 250 2.0.0",
    })
    void matrix(String feature, String offeredReply, String lackingReply) throws Exception {
        for (boolean isOffered : new boolean[] {true, false}) {
            for (boolean isUp : new boolean[] {true, false}) {
                engine = engine(new VirtualEngine());
                if (isOffered) {
                    offers("PIPELINING", "SIZE 0", "SMTPUTF8", "8BITMIME", "DSN");
                } else {
                    offers("PIPELINING", "SIZE " + LIMIT);
                }
                engine.start();
                engine.time.advance(Duration.ofMinutes(1));
                if (!isUp) {
                    engine.client.allDown();
                    engine.time.advance(Duration.ofHours(5));
                }
                assertThat(send(feature).reply().toString())
                        .as("offered %s, up %s", isOffered, isUp)
                        .startsWith(isOffered ? offeredReply : lackingReply);
                engine.client.allUp();
                engine.time.advance(Duration.ofHours(1));
                assertThat(engine.events.events(RecipientFailed.class)).isEmpty();
                assertThat(engine.mx.snapshot().queued()).isZero();
                engine.stop();
            }
        }
    }

    @Test
    void whatIsNotKnownRefusesNothing() {
        offers("PIPELINING", "SIZE " + LIMIT);
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofHours(1));
        assertThat(send("SIZE declared").reply().code()).isEqualTo(250);
        assertThat(send("UTF8 recipient").reply().code()).isEqualTo(250);
    }

    @Test
    void anAnswerCountsForThirtyDaysAndOverARestart() {
        offers("PIPELINING", "SIZE " + LIMIT);
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.stop();
        engine.time.advance(Duration.ofDays(29));
        engine = engine(new VirtualEngine(engine.time, engine.spool.another()));
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofHours(23));
        assertThat(send("SIZE declared").reply().toString()).startsWith("552 5.3.4");
        assertThat(send("UTF8 recipient").reply().toString()).startsWith("550 5.6.7");
        engine.time.advance(Duration.ofHours(1));
        assertThat(send("SIZE declared").reply().code()).isEqualTo(250);
        assertThat(send("UTF8 recipient").reply().code()).isEqualTo(250);
    }

    @Test
    void aLimitThatNoServerMayHaveAndAnAnswerWithoutExtensionsAreNotBelieved() {
        offers("SMTPUTF8", "SIZE 1000");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(send("SIZE declared").reply().code()).isEqualTo(250);
        engine.client.extensions();
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(send("UTF8 recipient").reply().code()).isEqualTo(250);
    }

    @Test
    void recipientsOfPrimariesThatDifferGoInTransactionsOfTheirOwn() {
        engine.builder.relayDomains(RelayDomains.of(List.of(
                RelayDomain.of("example.test").withNextHops(List.of(NextHop.parse("127.0.0.50:2500"))),
                RelayDomain.of("byname.test"))));
        offers("SMTPUTF8", "SIZE " + LIMIT);
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.refuse("127.0.0.50", SmtpReply.of(451, "4.3.2", "Busy"));
        engine.client.extensions("PIPELINING");
        engine.time.advance(Duration.ofMinutes(30));
        FakeIntakeServer.Client client = engine.server.connect();
        client.mail("a@sender.test", parameters(1000, BodyType.EIGHT_BIT_MIME, true));
        assertThat(client.rcpt("u@example.test").reply().code()).isEqualTo(250);
        assertThat(client.rcpt("u@byname.test").reply().toString()).startsWith("452 4.5.3");
        client.mail("a@sender.test", parameters(1000, BodyType.EIGHT_BIT_MIME, false));
        assertThat(client.rcpt("u@example.test").reply().code()).isEqualTo(250);
        assertThat(client.rcpt("u@byname.test").reply().code()).isEqualTo(250);
        client.mail("a@sender.test");
        assertThat(client.rcpt("u@example.test").reply().code()).isEqualTo(250);
        assertThat(client.rcpt("u@byname.test").reply().toString())
                .as("size not declared")
                .startsWith("452 4.5.3");
    }

    @Test
    void postmastersMailIsBoundByThePrimaryToo() {
        offers("SMTPUTF8", "SIZE " + LIMIT);
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        FakeIntakeServer.Client client = engine.server.connect();
        client.mail("a@sender.test");
        assertThat(client.postmaster().reply().code()).isEqualTo(250);
        assertThat(client.data(LARGE_MAIL).reply().toString()).startsWith("552 5.3.4");
        client.mail("a@sender.test", parameters(LIMIT, BodyType.SEVEN_BIT, false));
        assertThat(client.postmaster().reply().toString()).startsWith("552 5.3.4");
        engine.client.extensions("PIPELINING");
        engine.time.advance(Duration.ofMinutes(30));
        client.mail("j\u00fcrgen@sender.test", parameters(-1, BodyType.EIGHT_BIT_MIME, true));
        assertThat(client.postmaster().reply().toString()).startsWith("550 5.6.7");
    }

    private void accept(String feature) {
        assertThat(send(feature).reply().code()).isEqualTo(250);
        engine.time.run();
    }

    private long attempts() {
        return engine.client.attempts().size();
    }

    /** Accepted while the primary could; back it cannot, and a day later it is as with any refusal. */
    @ParameterizedTest
    @ValueSource(strings = {"UTF8 recipient", "UTF8 header", "SIZE counted"})
    void whatThePrimaryCannotTakeAnyMoreIsTriedForADay(String feature) throws Exception {
        offers("PIPELINING", "SMTPUTF8");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(1));
        accept(feature);
        offers("PIPELINING", "SIZE " + LIMIT);
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(23));
        assertThat(attempts()).isGreaterThan(10);
        assertThat(engine.mx.undelivered().deadLettered()).isZero();
        assertThat(engine.events.events(CapabilityRefused.class))
                .as("one alert")
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.domain()).hasToString("example.test");
                    assertThat(event.reply().isPermanent()).isTrue();
                    assertThat(event.until()).isEqualTo(event.at().plus(Duration.ofHours(24)));
                });

        engine.time.advance(Duration.ofHours(3));
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
        assertThat(engine.events.events(CapabilityRefused.class)).hasSize(1);
    }

    @Test
    void whatThePrimaryCanTakeAgainGoesHome() throws Exception {
        offers("PIPELINING", "SMTPUTF8");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(1));
        accept("UTF8 recipient");
        accept("SIZE counted");
        offers("PIPELINING", "SIZE " + LIMIT);
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(20));
        offers("PIPELINING", "SIZE 10000000", "SMTPUTF8");
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.client.relayed()).hasSize(2);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void anotherAnswerToEhloBeginsTheDayAnew() throws Exception {
        offers("PIPELINING", "SMTPUTF8");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(1));
        accept("UTF8 recipient");
        offers("PIPELINING");
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(20));
        offers("PIPELINING", "SIZE 10000000"); // somebody is at work
        engine.time.advance(Duration.ofHours(20));
        assertThat(engine.mx.undelivered().deadLettered()).isZero();
        assertThat(engine.events.events(CapabilityRefused.class)).hasSize(2);
        engine.time.advance(Duration.ofHours(6));
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
    }

    @Test
    void otherRefusalsAreJudgedAsBefore() throws Exception {
        offers("PIPELINING", "SMTPUTF8");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(554, "5.7.1", "Spam"));
        accept("8BITMIME");
        assertThat(engine.mx.undelivered().deadLettered()).isOne();
    }

    @Test
    void aSessionForMailTeachesAsAProbeDoes() {
        engine.builder.healthProbe(HealthProbe.off());
        offers("PIPELINING", "SIZE " + LIMIT);
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        accept("8BITMIME");
        assertThat(send("UTF8 recipient").reply().code())
                .as("nobody has said anything yet")
                .isEqualTo(250);
        engine.client.tellInAttempts();
        accept("8BITMIME");
        assertThat(send("SIZE declared").reply().toString()).startsWith("552 5.3.4");
        assertThat(send("UTF8 recipient").reply().toString()).startsWith("550 5.6.7");
    }
}
