package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.backupmx.event.MessageAccepted;
import org.backupmx.event.MessageRepeated;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Notify;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.InMemorySpool.Call;
import org.backupmx.testing.FakeIntakeServer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that did not hear our 250 sends the message again (RFC 1047, row X14). */
@Timeout(30)
class RepeatTest {

    private static final Duration WINDOW = Duration.ofHours(1);
    private static final String CLIENT = "192.0.2.10";
    private static final String FROM = "a@sender.test";
    private static final String TO = "u@example.test";
    private static final String MAIL = "Subject: hello\r\nMessage-ID: <1@sender.test>\r\n\r\nbody\r\n";

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private FakeIntakeServer.Client client(Duration window) {
        if (!engine.server.isRunning()) {
            engine.builder.repeatWindow(window);
            engine.client.allDown();
            engine.start();
        }
        return engine.server.connect();
    }

    private long stored() {
        try {
            return engine.mx.snapshot().queued();
        } catch (SpoolException e) {
            throw new AssertionError(e);
        }
    }

    private static void assertAccepted(Verdict verdict) {
        assertThat(verdict.reply().toString()).startsWith("250 2.0.0 ");
    }

    @Test
    void unlessAskedForEachCopyIsAMessage() {
        assertAccepted(client(Duration.ZERO).send(FROM, MAIL, TO));
        assertAccepted(client(Duration.ZERO).send(FROM, MAIL, TO));
        assertThat(stored()).isEqualTo(2);
    }

    @Test
    void aRepeatGetsTheReplyOfTheFirstAndMakesNoSecond() {
        Verdict first = client(WINDOW).send(FROM, MAIL, TO);
        engine.time.advance(WINDOW.minusSeconds(1));
        Verdict again = client(WINDOW).send(FROM, MAIL, TO);

        assertAccepted(first);
        assertThat(again).isEqualTo(first);
        assertThat(stored()).isEqualTo(1);
        engine.time.run();
        assertThat(engine.events.events(MessageAccepted.class))
                .singleElement()
                .satisfies(accepted -> assertThat(engine.events.events(MessageRepeated.class))
                        .singleElement()
                        .satisfies(repeated -> {
                            assertThat(repeated.id()).isEqualTo(accepted.id());
                            assertThat(repeated.envelope()).isEqualTo(accepted.envelope());
                            assertThat(repeated.client().remote().getAddress().getHostAddress())
                                    .isEqualTo(CLIENT);
                        }));
    }

    @Test
    void aRepeatOfWhatWasRelayedMeanwhileIsNotRelayedAgain() {
        client(WINDOW).send(FROM, MAIL, TO);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(stored()).isZero();
        assertAccepted(client(WINDOW).send(FROM, MAIL, TO));
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void theOrderOfRecipientsAndTheHostInANetworkDoNotMatter() {
        client(WINDOW).send(FROM, MAIL, TO, "v@example.test");
        assertAccepted(engine.server.connect("192.0.2.99").send(FROM, MAIL, "v@example.test", TO));
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    void theWindowEnds() {
        client(WINDOW).send(FROM, MAIL, TO);
        engine.time.advance(WINDOW.plusSeconds(1));
        assertAccepted(client(WINDOW).send(FROM, MAIL, TO));
        assertThat(stored()).isEqualTo(2);
    }

    @Test
    void aRepeatDoesNotMakeTheWindowLonger() {
        client(WINDOW).send(FROM, MAIL, TO);
        engine.time.advance(WINDOW.minusSeconds(1));
        client(WINDOW).send(FROM, MAIL, TO);
        engine.time.advance(Duration.ofSeconds(2));
        client(WINDOW).send(FROM, MAIL, TO);
        assertThat(stored()).isEqualTo(2);
    }

    /** Whatever differs, it is another message. */
    @TestFactory
    Stream<DynamicTest> othersAreStored() {
        MailParameters plain = MailParameters.none();
        RcptParameters bare = RcptParameters.none();
        return Stream.of(
                        new Other("mail data", CLIENT, FROM, plain, bare, TO, "x"),
                        new Other("network", "192.0.3.10", FROM, plain, bare, TO, ""),
                        new Other("network of the other family", "c000:200::10", FROM, plain, bare, TO, ""),
                        new Other("reverse-path", CLIENT, "b@sender.test", plain, bare, TO, ""),
                        new Other("null reverse-path", CLIENT, "", plain, bare, TO, ""),
                        new Other("forward-path", CLIENT, FROM, plain, bare, "U@example.test", ""),
                        new Other("BODY", CLIENT, FROM, mail(BodyType.EIGHT_BIT_MIME, false, ""), bare, TO, ""),
                        new Other("SMTPUTF8", CLIENT, FROM, mail(BodyType.SEVEN_BIT, true, ""), bare, TO, ""),
                        new Other("ENVID", CLIENT, FROM, mail(BodyType.SEVEN_BIT, false, "e1"), bare, TO, ""),
                        new Other("NOTIFY", CLIENT, FROM, plain, rcpt(Set.of(Notify.NEVER), null), TO, ""),
                        new Other("ORCPT", CLIENT, FROM, plain, rcpt(Set.of(), "rfc822;v@example.test"), TO, ""))
                .map(other -> DynamicTest.dynamicTest(other.what(), () -> {
                    long before = client(WINDOW).send(FROM, MAIL, TO) instanceof Verdict.Accept ? stored() : -1;
                    FakeIntakeServer.Client client = engine.server.connect(other.address());
                    client.mail(other.from(), other.parameters());
                    client.rcpt(other.to(), other.rcpt());
                    assertAccepted(client.data(MAIL + other.more()));
                    assertThat(stored()).isEqualTo(before + 1);
                }));
    }

    private static MailParameters mail(BodyType bodyType, boolean smtpUtf8, String envid) {
        DsnParameters none = DsnParameters.none();
        return new MailParameters(-1, bodyType, smtpUtf8, envid.isEmpty() ? none : none.withEnvid(envid), false);
    }

    private static RcptParameters rcpt(Set<Notify> notify, @Nullable String orcpt) {
        return RcptParameters.of(notify, Optional.ofNullable(orcpt));
    }

    private record Other(
            String what,
            String address,
            String from,
            MailParameters parameters,
            RcptParameters rcpt,
            String to,
            String more) {}

    @Test
    void oneMoreRecipientOrOneLessIsAnotherMessage() {
        client(WINDOW).send(FROM, MAIL, TO, "v@example.test");
        assertAccepted(client(WINDOW).send(FROM, MAIL, TO));
        assertAccepted(client(WINDOW).send(FROM, MAIL, TO, "v@example.test", "w@example.test"));
        assertThat(stored()).isEqualTo(3);
    }

    /** Mail data that looks like one more recipient to the digest, were nothing between its parts. */
    @Test
    void partsDoNotRunIntoEachOther() {
        client(WINDOW).send(FROM, "x@example.test [] " + MAIL, TO);
        assertAccepted(client(WINDOW).send(FROM, MAIL, TO, "x@example.test"));
        assertThat(stored()).isEqualTo(2);
    }

    @Test
    void theSameInAnyPiecesIsTheSame() {
        client(WINDOW).send(FROM, MAIL, TO);
        for (int cut = 0; cut <= MAIL.length(); cut++) {
            FakeIntakeServer.Client client = client(WINDOW);
            client.mail(FROM);
            client.rcpt(TO);
            assertAccepted(client.data(MAIL.substring(0, cut), MAIL.substring(cut)));
        }
        FakeIntakeServer.Client client = client(WINDOW);
        client.mail(FROM);
        client.rcpt(TO);
        assertAccepted(client.data(IntStream.range(0, MAIL.length())
                .mapToObj(i -> MAIL.substring(i, i + 1))
                .toArray(String[]::new)));
        assertThat(stored()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1 << 20})
    void anyLengthIsKnownAgain(int octets) {
        char[] text = new char[octets];
        Arrays.fill(text, 'x');
        client(WINDOW).send(FROM, new String(text), TO);
        assertAccepted(client(WINDOW).send(FROM, new String(text), TO));
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    void whatWasNotStoredIsNotARepeat() {
        FakeIntakeServer.Client client = client(WINDOW);
        engine.spool.failNext(Call.COMMIT, new SpoolUnavailableException("planned"));
        assertThat(client.send(FROM, MAIL, TO).reply().code()).isEqualTo(451);
        client.mail(FROM);
        client.rcpt(TO);
        MailDataSink cut = client.write(MAIL);
        cut.abandon();
        engine.time.run();
        assertThat(stored()).isZero();

        assertAccepted(client(WINDOW).send(FROM, MAIL, TO));
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    void aSpoolThatCannotStoreKnowsARepeatAllTheSame() {
        Verdict first = client(WINDOW).send(FROM, MAIL, TO);
        engine.spool.failNext(Call.COMMIT, new SpoolUnavailableException("planned"));
        assertThat(client(WINDOW).send(FROM, MAIL, TO)).isEqualTo(first);
    }

    @Test
    void isOffUnlessSetAndBounded() {
        assertThat(BackupMx.builder().repeatWindow).isEqualTo(Duration.ZERO);
        for (Duration bad : List.of(Duration.ofSeconds(-1), Duration.ofHours(24).plusNanos(1))) {
            assertThatThrownBy(() -> BackupMx.builder().repeatWindow(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("repeatWindow: " + bad + " (expected: PT0S to PT24H)");
        }
    }
}
