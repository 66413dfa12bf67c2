package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.backupmx.smtp.testing.Transcript;
import org.backupmx.smtp.testing.TranscriptRun;
import org.backupmx.smtp.testing.TranscriptRun.Answers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every dialogue, with the client's octets whole, cut once, cut everywhere and cut at random, and answers of the intake
 * at once, soon and late. {@code TranscriptIT} cuts twice and goes over sockets.
 */
class TranscriptTest {

    private static final Path DIRECTORY = Path.of("src/test/resources/transcripts");
    private static final int CUT_EVERYWHERE = 64;
    private static final int LONG_DIALOGUE = 10_000;
    private static final int SAMPLES = 6;
    private static final SslContext TLS = tls();

    static Stream<Transcript> transcripts() {
        return Transcript.readAll(DIRECTORY).stream();
    }

    static SslContext tls() {
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
        assertThat(all).hasSizeGreaterThanOrEqualTo(120);
        assertThat(all).allSatisfy(t -> assertThat(t.about()).matches("# .*(RFC \\d+|features row|CVE-).*: .*"));
    }

    @Test
    void b1_t3_sixtyOfThemAreTheOpenRelayTableAndMeetTheRealEngine() {
        assertThat(transcripts().filter(t -> t.name().startsWith("relay-")))
                .hasSizeGreaterThanOrEqualTo(60)
                .allSatisfy(t -> assertThat(t.has("engine")).isTrue());
    }

    @ParameterizedTest
    @MethodSource("transcripts")
    void holdsForEveryFragmentation(Transcript transcript) {
        int octets = transcript.sentOctets();
        for (Answers answers : Answers.values()) {
            TranscriptRun run = new TranscriptRun(transcript, answers, TLS);
            run.cutAt();
            if (transcript.has("whole")) {
                continue;
            }
            // the open-relay table begins alike, so it is cut at random here and everywhere in TranscriptIT
            for (int cut = 1; cut < Math.min(octets, CUT_EVERYWHERE) && !transcript.has("engine"); cut++) {
                if (answers == Answers.AT_ONCE || cut % 8 == 0) {
                    run.cutAt(cut);
                }
            }
            if (octets < LONG_DIALOGUE) {
                run.cutAt(IntStream.range(1, octets).toArray());
            }
            long seed = new Random().nextLong();
            try {
                Random random = new Random(seed);
                for (int sample = 0; sample < SAMPLES; sample++) {
                    run.cutAt(cuts(random, octets));
                }
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    static int[] cuts(Random random, int octets) {
        return random.ints(1 + random.nextInt(6), 1, Math.max(2, octets))
                .sorted()
                .distinct()
                .toArray();
    }
}
