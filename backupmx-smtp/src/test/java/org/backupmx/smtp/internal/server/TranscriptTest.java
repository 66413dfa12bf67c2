package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.backupmx.smtp.testing.Transcript;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every dialogue, with the client's octets cut in every way, and answers of the intake at once, soon and late. */
class TranscriptTest {

    private static final Path DIRECTORY = Path.of("src/test/resources/transcripts");
    private static final int CUT_EVERYWHERE = 64;
    private static final int SAMPLES = 12;
    private static final SslContext TLS = tls();

    private enum Answers {
        AT_ONCE,
        AFTER_EACH_READ,
        AFTER_EACH_GROUP
    }

    static Stream<Transcript> transcripts() {
        return Transcript.readAll(DIRECTORY).stream();
    }

    private static SslContext tls() {
        try {
            X509Bundle bundle = new CertificateBuilder()
                    .subject("CN=mx2.example.net")
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned();
            return SslContextBuilder.forServer(bundle.toKeyManagerFactory()).build();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void thereAreManyAndEachNamesItsSection() {
        List<Transcript> all = transcripts().toList();
        assertThat(all).hasSizeGreaterThanOrEqualTo(40);
        assertThat(all).allSatisfy(t -> assertThat(t.about()).matches("# .*(RFC \\d+ section|features row|CVE-).*"));
    }

    @ParameterizedTest
    @MethodSource("transcripts")
    void holdsForEveryFragmentation(Transcript transcript) {
        int octets = transcript.sentOctets();
        for (Answers answers : Answers.values()) {
            run(transcript, answers, new TreeSet<>());
            if (transcript.has("whole")) {
                continue;
            }
            TreeSet<Integer> everywhere = new TreeSet<>();
            for (int cut = 1; cut < octets; cut++) {
                everywhere.add(cut);
                if (cut <= CUT_EVERYWHERE && (answers == Answers.AT_ONCE || cut % 8 == 0)) {
                    run(transcript, answers, new TreeSet<>(List.of(cut)));
                }
            }
            if (octets < 10_000) {
                run(transcript, answers, everywhere);
            }
            long seed = new Random().nextLong();
            Random random = new Random(seed);
            try {
                for (int sample = 0; sample < SAMPLES; sample++) {
                    TreeSet<Integer> cuts = new TreeSet<>();
                    for (int n = random.nextInt(6) + 1; n > 0; n--) {
                        cuts.add(random.nextInt(octets + 1));
                    }
                    run(transcript, answers, cuts);
                }
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    private static void run(Transcript transcript, Answers answers, SortedSet<Integer> cuts) {
        ScriptedIntake intake = intake(transcript);
        if (answers != Answers.AT_ONCE) {
            intake.answersLater();
        }
        SessionHarness session = new SessionHarness(
                intake,
                limits(transcript),
                transcript.has("reject-bare") ? BareLineEnds.REJECT : BareLineEnds.NORMALISE,
                transcript.has("tls") ? TLS : null);
        Supplier<String> about = () -> transcript + " " + answers + " cut at " + cuts;
        int offset = 0;
        for (Transcript.Step step : transcript.steps()) {
            int from = 0;
            byte[] octets = step.octets();
            int length = octets.length;
            for (int cut : cuts) {
                int to = cut - offset;
                if (to > from && to < length) {
                    session.send(octets, from, to);
                    from = to;
                    answer(intake, session, answers == Answers.AFTER_EACH_READ);
                }
            }
            if (from < length) {
                session.send(octets, from, length);
            }
            answer(intake, session, true);
            offset += length;
            check(step, session, about);
        }
        session.vanish();
        answer(intake, session, true);
        session.checkException();
        assertThat(intake.messages().stream().map(Transcript::describe))
                .as(about)
                .isEqualTo(transcript.messages());
        assertThat(intake.breaches()).as(about).isEmpty();
        assertThat(intake.openSessions()).as(about).isZero();
        assertThat(session.bufferBytes()).as(about).isZero();
    }

    private static void check(Transcript.Step step, SessionHarness session, Supplier<String> about) {
        List<String> said = session.saidLines();
        Iterator<String> lines = said.iterator();
        boolean answered;
        try {
            answered = step.isAnsweredBy(() -> lines.hasNext() ? lines.next() : null);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        if (!answered || lines.hasNext() || session.isClosed() != step.closes()) {
            throw new AssertionError(about.get() + "\nsent:     " + step.sent() + "\nexpected: " + step.replies()
                    + (step.closes() ? " and close" : "") + "\nsaid:     " + said
                    + (session.isClosed() ? " and close" : ""));
        }
    }

    private static void answer(ScriptedIntake intake, SessionHarness session, boolean now) {
        while (now && intake.answer()) {
            session.runTasks();
        }
    }

    static ScriptedIntake intake(Transcript transcript) {
        return new ScriptedIntake()
                .maxMessageBytes(Long.parseLong(transcript.option("max-bytes", "1000000")))
                .maxRecipients(Integer.parseInt(transcript.option("max-recipients", "100")))
                .onConnect(transcript.option("connect", ""));
    }

    static SmtpLimits limits(Transcript transcript) {
        return SmtpLimits.builder()
                .badCommands(Integer.parseInt(transcript.option("bad-commands", "20")))
                .idleCommands(Integer.parseInt(transcript.option("idle-commands", "5000")))
                .transactions(Integer.parseInt(transcript.option("transactions", "1000")))
                .commandLineOctets(Integer.parseInt(transcript.option("line", "2048")))
                .build();
    }
}
