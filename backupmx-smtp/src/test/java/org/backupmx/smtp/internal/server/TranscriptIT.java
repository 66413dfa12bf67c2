package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.SslContext;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.smtp.testing.RelayEngine;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.Transcript;
import org.backupmx.smtp.testing.TranscriptRun;
import org.backupmx.smtp.testing.TranscriptRun.Answers;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every dialogue again: with the client's octets cut once at each place, cut twice, and over a loopback socket. */
class TranscriptIT {

    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final int CUT_EVERYWHERE = 256;
    private static final int CUT_TWICE = 64;
    private static final int SAMPLES = 30;

    /** How far apart two cuts are at most; all pairs with {@code -Dtranscript.pairs=64}. */
    private static final int APART = Integer.getInteger("transcript.pairs", 3);

    private static final SslContext TLS = TranscriptTest.tls();

    static Stream<Transcript> transcripts() {
        return TranscriptTest.transcripts();
    }

    static Stream<Transcript> fragmented() {
        return transcripts().filter(t -> !t.has("whole"));
    }

    static Stream<Transcript> plain() {
        return transcripts().filter(t -> !t.has("tls"));
    }

    @ParameterizedTest
    @MethodSource("fragmented")
    void holdsCutAtEachPlace(Transcript transcript) {
        int octets = Math.min(transcript.sentOctets(), CUT_EVERYWHERE);
        TranscriptRun run = new TranscriptRun(transcript, Answers.AT_ONCE, TLS);
        TranscriptRun late = new TranscriptRun(transcript, Answers.AFTER_EACH_GROUP, TLS);
        for (int cut = 1; cut < octets; cut++) {
            run.cutAt(cut);
            if (cut % 8 == 0) {
                late.cutAt(cut);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fragmented")
    void holdsCutTwice(Transcript transcript) {
        int octets = transcript.sentOctets();
        TranscriptRun run = new TranscriptRun(transcript, Answers.AT_ONCE, TLS);
        for (int first = 1; first < Math.min(octets, CUT_TWICE); first++) {
            for (int second = first + 1; second <= first + APART && second < octets; second++) {
                run.cutAt(first, second);
            }
        }
        long seed = new Random().nextLong();
        try {
            Random random = new Random(seed);
            for (int sample = 0; sample < SAMPLES; sample++) {
                run.cutAt(TranscriptTest.cuts(random, octets));
            }
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
        }
    }

    @ParameterizedTest
    @MethodSource("plain")
    void holdsOnASocket(Transcript transcript) throws Exception {
        if (transcript.has("engine")) {
            RelayEngine engine = new RelayEngine(false);
            onASocket(transcript, engine.intake());
            TranscriptRun.checkStored(engine, transcript);
            TranscriptRun.checkRelayed(engine);
        } else {
            ScriptedIntake intake = TranscriptRun.intake(transcript);
            onASocket(transcript, intake);
            TranscriptRun.checkEnd(intake, transcript);
        }
    }

    private static void onASocket(Transcript transcript, Intake intake) throws Exception {
        SmtpServer server = SmtpServer.on(
                        List.of(transcript.listener(SmtpListener.at(ANY), IpNetwork.of("127.0.0.0/8"))))
                .limits(TranscriptRun.limits(transcript))
                .bareLineEnds(transcript.has("reject-bare") ? BareLineEnds.REJECT : BareLineEnds.NORMALISE);
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        InetSocketAddress address = server.addresses().get(0);
        try (Socket client = new Socket(address.getAddress(), address.getPort());
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8))) {
            client.setSoTimeout(20_000);
            for (Transcript.Step step : transcript.steps()) {
                client.getOutputStream().write(step.octets());
                assertThat(step.isAnsweredBy(in::readLine)).as(step.sent()).isTrue();
                if (step.closes()) {
                    assertThat(in.readLine()).isNull();
                }
            }
        } finally {
            server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
    }
}
