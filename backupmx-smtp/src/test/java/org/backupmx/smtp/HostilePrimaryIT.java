package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.backupmx.smtp.testing.RelayOutcome;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Broken and malicious primaries: each ends in time, with the right outcome, and the client goes on. */
class HostilePrimaryIT {

    private static final byte[] BODY = "Subject: x\r\n\r\none\r\n.two\r\n".getBytes(StandardCharsets.US_ASCII);

    /** For primaries that are waited for in vain; on a busy machine others may be late for it. */
    private static final SmtpClient HASTY = client(Duration.ofMillis(100), Duration.ofSeconds(2));

    private static final SmtpClient PATIENT = client(Duration.ofSeconds(8), Duration.ofSeconds(9));

    private static SmtpClient client(Duration step, Duration attempt) {
        return SmtpClient.create()
                .withTimeouts(ClientTimeouts.rfc5321()
                        .withGreeting(step)
                        .withMail(step)
                        .withRcpt(step)
                        .withData(step)
                        .withBlock(step)
                        .withEndOfData(step)
                        .withAttempt(attempt));
    }

    @BeforeAll
    static void start() {
        HASTY.start().toCompletableFuture().join();
        PATIENT.start().toCompletableFuture().join();
    }

    @AfterAll
    static void stop() throws Exception {
        HASTY.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        PATIENT.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    /** Returns who waits only as long as that outcome needs. */
    private static SmtpClient clientFor(String expected) {
        boolean isInVain = expected.contains("Timed out") || expected.contains("does not understand us");
        return isInVain ? HASTY : PATIENT;
    }

    private static String relay(FakePrimary primary, byte[] body) throws Exception {
        return relay(PATIENT, primary, body);
    }

    private static String relay(SmtpClient client, FakePrimary primary, byte[] body) throws Exception {
        Envelope envelope = Envelope.from(ReversePath.parse("from@sender.test"))
                .to(Recipient.of(ForwardPath.parse("a@example.test")))
                .to(Recipient.of(ForwardPath.parse("b@example.test")))
                .build();
        RelayResult result = client.relay(new RelayRequest(
                        new NextHopAddress(new NextHop("127.0.0.1", primary.port()), primary.address()),
                        "mx2.test",
                        envelope,
                        envelope.recipients(),
                        SmtpClientTest.data(body)))
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
        if (result instanceof RelayResult.NoSession no) {
            return "NoSession " + no.reply();
        }
        List<RecipientOutcome> outcomes = ((RelayResult.Attempted) result).outcomes();
        assertThat(outcomes).hasSize(2);
        String first = text(outcomes.get(0));
        String second = text(outcomes.get(1));
        return first.equals(second) ? first : first + " | " + second;
    }

    private static String text(RecipientOutcome outcome) {
        return outcome.getClass().getSimpleName() + " " + outcome.reply();
    }

    static Stream<Arguments> behaviours() {
        PrimaryBehaviour good = accepting();
        String broken = "451 4.5.0 Protocol error of the next hop: ";
        return Stream.of(
                arguments(
                        "silent banner",
                        good.stall(Point.BANNER),
                        "NoSession 451 4.4.2 Timed out waiting for the banner"),
                arguments(
                        "no banner, closes",
                        good.close(Point.BANNER),
                        "NoSession 451 4.4.2 Connection lost waiting for the banner"),
                arguments(
                        "endless banner line",
                        good.flood(Point.BANNER, "220 " + "x".repeat(5000)),
                        "NoSession " + broken + "reply longer than 65536 octets"),
                arguments(
                        "endless banner lines",
                        good.flood(Point.BANNER, "220-x\r\n"),
                        "NoSession " + broken + "a reply of more than 128 lines"),
                arguments(
                        "endless wide banner",
                        good.flood(Point.BANNER, "220-" + "x".repeat(5000) + "\r\n"),
                        "NoSession " + broken + "reply longer than 65536 octets"),
                arguments(
                        "another protocol",
                        good.at(Point.BANNER, new Answer.Say("SSH-2.0-OpenSSH_9.9\r\n")),
                        "NoSession " + broken + "not a reply"),
                arguments(
                        "binary banner",
                        good.at(Point.BANNER, new Answer.Say("\u0016\u0003\u0001\u0000\n")),
                        "NoSession " + broken + "not a reply"),
                arguments(
                        "empty banner line",
                        good.at(Point.BANNER, new Answer.Say("\r\n")),
                        "NoSession " + broken + "not a reply"),
                arguments(
                        "banner 354",
                        good.reply(Point.BANNER, "354 x"),
                        "NoSession " + broken + "an unexpected reply to the greeting"),
                arguments(
                        "banner 421",
                        good.replyAndClose(Point.BANNER, "421 4.7.0 Too many connections"),
                        "NoSession 421 4.7.0 Too many connections"),
                arguments("banner 554", good.reply(Point.BANNER, "554 5.7.1 Go away"), "NoSession 554 5.7.1 Go away"),
                arguments(
                        "EHLO 421", good.replyAndClose(Point.EHLO, "421 4.3.2 Closing"), "NoSession 421 4.3.2 Closing"),
                arguments(
                        "EHLO and HELO 5yz",
                        good.reply(Point.EHLO, "550 5.7.1 Name?").reply(Point.HELO, "550 5.7.1 Name??"),
                        "NoSession 550 5.7.1 Name??"),
                arguments(
                        "EHLO stalls",
                        good.stall(Point.EHLO),
                        "NoSession 451 4.4.2 Timed out waiting for the reply to EHLO"),
                arguments(
                        "EHLO with two codes",
                        good.reply(Point.EHLO, "250-primary.test", "550 PIPELINING"),
                        "NoSession " + broken + "a reply with two codes"),
                arguments(
                        "MAIL stalls",
                        good.stall(Point.MAIL),
                        "TransientFailure 451 4.4.2 Timed out waiting for the reply to MAIL"),
                arguments("MAIL 450", good.reply(Point.MAIL, "450 4.1.8 Later"), "TransientFailure 450 4.1.8 Later"),
                arguments("MAIL 550", good.reply(Point.MAIL, "550 5.7.1 No"), "PermanentFailure 550 5.7.1 No"),
                arguments(
                        "MAIL 550, one at a time",
                        good.offering().reply(Point.MAIL, "550 5.7.1 No"),
                        "PermanentFailure 550 5.7.1 No"),
                arguments(
                        "MAIL 354",
                        good.reply(Point.MAIL, "354 x"),
                        "TransientFailure " + broken + "reply 354 to MAIL"),
                arguments(
                        "MAIL 421",
                        good.replyAndClose(Point.MAIL, "421 4.3.2 Closing"),
                        "TransientFailure 421 4.3.2 Closing"),
                arguments(
                        "MAIL with control characters",
                        good.at(Point.MAIL, new Answer.Say("550 5.7.1 a\u001b[2Jb\r\n")),
                        "PermanentFailure 550 5.7.1 a?[2Jb"),
                arguments(
                        "second RCPT stalls",
                        good.at(Point.RCPT, line -> line.contains("<b@") ? new Answer.Stall() : null),
                        "TransientFailure 451 4.4.2 Timed out waiting for the reply to RCPT"),
                arguments(
                        "second RCPT refused, then gone",
                        good.at(
                                Point.RCPT,
                                line -> line.contains("<b@") ? new Answer.SayAndClose("550 5.1.1 No\r\n") : null),
                        "TransientFailure 451 4.4.2 Connection lost waiting for the reply to DATA | PermanentFailure 550 5.1.1 No"),
                arguments(
                        "RCPT 552",
                        good.reply(Point.RCPT, "552 Too many recipients"),
                        "TransientFailure 452 Too many recipients"),
                arguments(
                        "RCPT floods",
                        good.flood(Point.RCPT, "250 x\r\n"),
                        "TransientFailure " + broken + "reply 250 to DATA"),
                arguments(
                        "DATA 250",
                        good.reply(Point.DATA, "250 Sure"),
                        "TransientFailure " + broken + "reply 250 to DATA"),
                arguments("DATA 451", good.reply(Point.DATA, "451 4.3.0 Later"), "TransientFailure 451 4.3.0 Later"),
                arguments("DATA 554", good.reply(Point.DATA, "554 5.3.4 No"), "PermanentFailure 554 5.3.4 No"),
                arguments(
                        "DATA stalls",
                        good.stall(Point.DATA),
                        "TransientFailure 451 4.4.2 Timed out waiting for the reply to DATA"),
                arguments(
                        "354, then silence",
                        good.stall(Point.MAIL_DATA),
                        "Unknown 451 4.4.2 Timed out waiting for the reply to the end of mail data after the end of mail data; outcome unknown"),
                arguments(
                        "354, then gone",
                        good.close(Point.MAIL_DATA),
                        "Unknown 451 4.4.2 Connection lost waiting for the reply to the end of mail data after the end of mail data; outcome unknown"),
                arguments(
                        "end of data 450",
                        good.reply(Point.END_OF_DATA, "450 4.2.0 Later"),
                        "TransientFailure 450 4.2.0 Later"),
                arguments(
                        "end of data 554",
                        good.reply(Point.END_OF_DATA, "554 5.6.0 No"),
                        "PermanentFailure 554 5.6.0 No"),
                arguments(
                        "end of data 354",
                        good.reply(Point.END_OF_DATA, "354 More"),
                        "Unknown 451 4.4.2 Protocol error of the next hop: reply 354 to the end of mail data after the end of mail data; outcome unknown"),
                arguments(
                        "end of data 421",
                        good.replyAndClose(Point.END_OF_DATA, "421 4.3.2 Closing"),
                        "Unknown 451 4.4.2 421 4.3.2 Closing after the end of mail data; outcome unknown"),
                arguments(
                        "end of data, no answer",
                        good.stall(Point.END_OF_DATA),
                        "Unknown 451 4.4.2 Timed out waiting for the reply to the end of mail data after the end of mail data; outcome unknown"),
                arguments(
                        "end of data, garbage",
                        good.at(Point.END_OF_DATA, new Answer.Say("thanks!\r\n")),
                        "Unknown 451 4.4.2 Protocol error of the next hop: not a reply after the end of mail data; outcome unknown"),
                arguments(
                        "end of data, gone",
                        good.close(Point.END_OF_DATA),
                        "Unknown 451 4.4.2 Connection lost waiting for the reply to the end of mail data after the end of mail data; outcome unknown"),
                arguments(
                        "an octet of the banner now and then",
                        good.at(Point.BANNER, new Answer.Trickle("220-x\r\n", Duration.ofMillis(30))),
                        "NoSession 451 4.4.2 Timed out waiting for the banner"),
                arguments(
                        "an octet of the reply to MAIL now and then",
                        good.at(Point.MAIL, new Answer.Trickle("250-x\r\n", Duration.ofMillis(30))),
                        "TransientFailure 451 4.4.2 Timed out waiting for the reply to MAIL"),
                arguments(
                        "an octet of the last reply now and then",
                        good.at(Point.END_OF_DATA, new Answer.Trickle("250-x\r\n", Duration.ofMillis(30))),
                        "Unknown 451 4.4.2 Timed out waiting for the reply to the end of mail data after the end of mail data; outcome unknown"),
                arguments(
                        "a gigabyte to MAIL",
                        good.flood(Point.MAIL, "250-" + "x".repeat(60_000)),
                        "TransientFailure " + broken + "reply longer than 65536 octets"),
                arguments(
                        "endless lines to the end of data",
                        good.flood(Point.END_OF_DATA, "250-x\r\n"),
                        "Unknown 451 4.4.2 Protocol error of the next hop: a reply of more than 128 lines after the end of mail data; outcome unknown"),
                arguments(
                        "more replies than commands",
                        good.reply(Point.MAIL, "250 one", "250 two", "250 three", "250 four"),
                        "TransientFailure " + broken + "reply 250 to DATA"),
                arguments(
                        "fewer replies than commands",
                        good.at(Point.MAIL, new Answer.Say("")),
                        "TransientFailure 451 4.5.0 Next hop does not understand us: 503 .*"),
                arguments(
                        "replies before they are asked for",
                        good.reply(Point.EHLO, "250-primary.test", "250 PIPELINING", "250 ahead"),
                        "(NoSession|TransientFailure) 451 4.[45].[02] .*"),
                arguments(
                        "a verdict before the end",
                        good.at(Point.MAIL_DATA, new Answer.Say("554 5.6.0 No more\r\n")),
                        "PermanentFailure 554 5.6.0 No more"),
                arguments(
                        "250 before the end",
                        good.at(Point.DATA, new Answer.Say("354 Go on\r\n250 2.0.0 Taken\r\n")),
                        "TransientFailure " + broken + "a reply ahead of the mail data"),
                arguments(
                        "a reply with CR, NUL and a terminal's codes",
                        good.at(Point.RCPT, new Answer.Say("550 5.1.1 a\rb\u0000c\u001b[2J\u007fd\r\n")),
                        "PermanentFailure 550 5.1.1 a?b?c?[2J?d"),
                arguments(
                        "a reply with a line end in its text",
                        good.at(Point.MAIL, new Answer.Say("550 5.7.1 a\nb\r\n")),
                        "(TransientFailure 451 4.5.0 Protocol error of the next hop: .*|PermanentFailure 550 5.7.1 a)"),
                arguments(
                        "MAIL 555 for what was offered",
                        good.reply(Point.MAIL, "555 5.5.4 Unknown parameter SIZE"),
                        "TransientFailure 451 4.5.0 Next hop does not understand us: 555 5.5.4 Unknown parameter SIZE"),
                arguments(
                        "MAIL 503",
                        good.reply(Point.MAIL, "503 5.5.1 Polite people say EHLO first"),
                        "TransientFailure 451 4.5.0 Next hop does not understand us: 503 5.5.1 Polite people say EHLO first"),
                arguments(
                        "DATA 502",
                        good.reply(Point.DATA, "502 5.5.1 What?"),
                        "TransientFailure 451 4.5.0 Next hop does not understand us: 502 5.5.1 What?"),
                arguments(
                        "421 to RCPT",
                        good.replyAndClose(Point.RCPT, "421 4.3.2 Closing"),
                        "TransientFailure 421 4.3.2 Closing"),
                arguments(
                        "421 to DATA",
                        good.replyAndClose(Point.DATA, "421 4.3.2 Closing"),
                        "TransientFailure 421 4.3.2 Closing"),
                arguments("SIZE 0", good.offering("PIPELINING", "SIZE 0"), "Relayed 250 2.0.0 Taken"),
                arguments("SIZE 1", good.offering("PIPELINING", "SIZE 1"), "Relayed 250 2.0.0 Taken"),
                arguments("RCPTMAX=0", good.alsoOffering("LIMITS RCPTMAX=0 MAILMAX=0"), "Relayed 250 2.0.0 Taken"),
                arguments(
                        "CHUNKING, and BDAT unknown",
                        good.alsoOffering("CHUNKING only said"),
                        "Relayed 250 2.0.0 Taken"),
                arguments(
                        "BDAT LAST stalls",
                        good.alsoOffering("CHUNKING").stall(Point.END_OF_DATA),
                        "Unknown 451 4.4.2 Timed out waiting for the reply to BDAT after the end of mail data; outcome unknown"),
                arguments(
                        "reset at the banner, or before the connection is looked at",
                        good.reset(Point.BANNER),
                        "NoSession 451 4.4.[12] (Connection lost|No connection).*"),
                arguments("reset at EHLO", good.reset(Point.EHLO), "NoSession 451 4.4.2 Connection lost .*"),
                arguments("reset at MAIL", good.reset(Point.MAIL), "TransientFailure 451 4.4.2 Connection lost .*"),
                arguments("reset at RCPT", good.reset(Point.RCPT), "TransientFailure 451 4.4.2 Connection lost .*"),
                arguments("reset at DATA", good.reset(Point.DATA), "TransientFailure 451 4.4.2 Connection lost .*"),
                arguments(
                        "reset at the end of data",
                        good.reset(Point.END_OF_DATA),
                        "Unknown 451 4.4.2 Connection lost .*outcome unknown"),
                arguments(
                        "half-closes at MAIL",
                        good.at(Point.MAIL, new Answer.SayAndHalfClose("250 2.0.0 Ok\r\n")),
                        "TransientFailure 451 4.4.2 Connection lost .*"),
                arguments(
                        "half-closes at DATA",
                        good.at(Point.DATA, new Answer.SayAndHalfClose("354 Go on\r\n")),
                        "(TransientFailure|Unknown) 451 4.4.2 Connection lost .*"),
                arguments("5yz to all", good.reply(Point.EHLO, "500 x").reply(Point.HELO, "500 y"), "NoSession 500 y"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("behaviours")
    void endsInTimeWithTheRightOutcome(String name, PrimaryBehaviour behaviour, String expected) throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(behaviour);
            String outcome = relay(clientFor(expected), primary, BODY);
            if (!outcome.equals(expected)) {
                assertThat(outcome).matches(expected);
            }
            primary.behaviour(accepting());
            assertThat(relay(primary, BODY)).as("next message").startsWith("Relayed 250");
        }
    }

    /** Whoever says 250, then 450, then 550 is believed each time, and only for the message at hand. */
    @Test
    void verdictsThatChangeCountForTheirMessageAlone() throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            List<String> verdicts = List.of("250 2.1.5 Ok", "450 4.2.0 Later", "550 5.1.1 No", "250 2.1.5 Ok");
            int[] asked = {0};
            primary.behaviour(accepting()
                    .at(Point.RCPT, line -> new Answer.Say(verdicts.get(asked[0]++ / 2 % 4) + "\r\n")));
            for (String verdict : verdicts) {
                String outcome = relay(primary, BODY);
                String kind = verdict.startsWith("2") ? "Relayed 250 2.0.0 Taken" : verdict;
                assertThat(outcome).endsWith(kind);
            }
            assertThat(primary.messages()).hasSize(2);
        }
    }

    /** All that a broken or malicious primary can do to TLS that is demanded. */
    static Stream<Arguments> behavioursInTls() {
        PrimaryBehaviour offering = accepting().alsoOffering("STARTTLS");
        Answer goOn = new Answer.Say("220 2.0.0 Go on\r\n");
        return Stream.of(
                arguments("STARTTLS is not answered", offering.stall(Point.STARTTLS), "Timed out waiting .*"),
                arguments(
                        "an octet of the reply to STARTTLS now and then",
                        offering.at(Point.STARTTLS, new Answer.Trickle("220-x\r\n", Duration.ofMillis(30))),
                        "Timed out waiting .*"),
                arguments(
                        "the handshake is not answered",
                        offering.at(Point.STARTTLS, new Answer.Then(goOn, new Answer.Stall())),
                        "Timed out in the TLS handshake"),
                arguments(
                        "an octet of the handshake now and then",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(
                                        goOn, new Answer.Trickle("\u0016\u0003\u0003@\u0000", Duration.ofMillis(30)))),
                        "(Timed out in the TLS handshake|TLS handshake failed: .*)"),
                arguments(
                        "TLS records without end",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(goOn, new Answer.Flood("\u0016\u0003\u0003\u0000\u0001\u0001"))),
                        "(TLS handshake failed: .*|Protocol error of the next hop: .*|Timed out .*)"),
                arguments(
                        "clear text in place of the handshake",
                        offering.at(Point.STARTTLS, new Answer.Then(goOn, new Answer.Say("250 2.0.0 Fine\r\n"))),
                        "TLS handshake failed: no TLS record"),
                arguments(
                        "replies put in behind the one to STARTTLS",
                        offering.reply(Point.STARTTLS, "220 2.0.0 Go on", "250 2.0.0 Injected"),
                        "Protocol error of the next hop: data after the reply to STARTTLS"),
                arguments("reset at STARTTLS", offering.reset(Point.STARTTLS), "Connection lost .*"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("behavioursInTls")
    void endsInTimeWithoutMailInClear(String name, PrimaryBehaviour behaviour, String expected) throws Exception {
        RelaySettings settings = RelaySettings.defaults().withTls(TlsPolicy.encrypt());
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(behaviour);
            assertThat(RelayOutcome.of(clientFor(expected), primary, settings))
                    .matches("NoSession ADDRESS 451 4\\.[457]\\.[025] " + expected);
            assertThat(primary.commands()).noneMatch(line -> line.startsWith("MAIL"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void cutAtEveryOctetItSendsAMessageIsRelayedOnlyIfTheLastReplyWasSeen(boolean pipelining) throws Exception {
        PrimaryBehaviour good = pipelining ? accepting() : accepting().offering();
        int replies = 0;
        try (FakePrimary primary = FakePrimary.start()) {
            for (int cut = 0; ; cut++) {
                primary.clear();
                primary.behaviour(good.cutAfterSending(cut));
                String outcome = relay(primary, BODY);
                if (outcome.startsWith("Relayed")) {
                    assertThat(primary.messages()).hasSize(1);
                    replies = cut;
                    break;
                }
                assertThat(outcome)
                        .as("cut after %d octets", cut)
                        .matches("(NoSession|TransientFailure|Unknown) 451.*");
                // Taken although we do not know: the duplicate that is left, and it is said so.
                if (!primary.messages().isEmpty()) {
                    assertThat(outcome).startsWith("Unknown");
                }
            }
        }
        assertThat(replies).isEqualTo(dialogueLength(good));
    }

    private static int dialogueLength(PrimaryBehaviour good) throws Exception {
        try (FakePrimary primary = FakePrimary.start()) {
            primary.behaviour(good);
            relay(primary, BODY);
            return (int) primary.octetsSent();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void cutAtEveryOctetItReceivesNothingIsRelayedThatDidNotArrive(boolean pipelining) throws Exception {
        PrimaryBehaviour good = pipelining ? accepting() : accepting().offering();
        try (FakePrimary primary = FakePrimary.start()) {
            boolean relayed = false;
            for (int cut = 0; !relayed; cut++) {
                primary.clear();
                primary.behaviour(good.cutAfterReceiving(cut));
                String outcome = relay(primary, BODY);
                relayed = outcome.startsWith("Relayed");
                assertThat(primary.messages()).as("cut after %d octets", cut).hasSize(relayed ? 1 : 0);
                assertThat(outcome).matches("(NoSession|TransientFailure|Unknown) 451.*|Relayed 250 2.0.0 Taken");
            }
            assertThat(primary.messages().get(0).data()).isEqualTo(BODY);
        }
    }
}
