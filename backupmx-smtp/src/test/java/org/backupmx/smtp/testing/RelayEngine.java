package org.backupmx.smtp.testing;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.backupmx.BackupMx;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeServer;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpooledMessage;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.testing.ManualScheduler;
import org.jspecify.annotations.Nullable;

/**
 * The real engine behind a session under test: on virtual time, with a spool in memory and a primary that a test takes
 * down and up. It relays for {@code ours.test}, all under {@code sub.test}, and {@code bücher.test}.
 */
public final class RelayEngine {

    private static final NextHop PRIMARY = NextHop.parse("127.0.0.50:2500");
    private static final RelayDomains OURS = RelayDomains.of(List.of(
            RelayDomain.of("ours.test").withNextHops(List.of(PRIMARY)),
            RelayDomain.of("*.sub.test").withNextHops(List.of(PRIMARY)),
            RelayDomain.of("b\u00fccher.test").withNextHops(List.of(PRIMARY))));

    /** A server that is started and gives away what it was started with. */
    private static final class IntakeOnly implements IntakeServer {
        private @Nullable Intake intake;

        @Override
        public CompletionStage<Void> start(Intake given) {
            intake = given;
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> stop(Duration grace) {
            return CompletableFuture.completedFuture(null);
        }
    }

    private final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
    private final ManualScheduler time = new ManualScheduler();
    private final InMemorySpool spool = InMemorySpool.create();
    private final FakeRelayClient primary = new FakeRelayClient();
    private final IntakeOnly server = new IntakeOnly();

    /**
     * Starts the engine; the primary is down.
     *
     * @param workers whether the spool needs workers, so that answers come when {@link #answer()} is called
     */
    public RelayEngine(boolean workers) {
        spool.nonBlockingBytes(workers ? 0 : Integer.MAX_VALUE);
        primary.allDown();
        BackupMx mx = time.drive(BackupMx.builder())
                .executor(work::add)
                .hostname("mx2.example.net")
                .relayDomains(OURS)
                .intakeServer(server)
                .relayClient(primary)
                .spool(spool)
                .mxResolver(new FakeMxResolver())
                .build();
        CompletionStage<Void> started = mx.start();
        pass(Duration.ZERO);
        started.toCompletableFuture().getNow(null);
    }

    /** What decides. */
    public Intake intake() {
        return requireNonNull(server.intake);
    }

    /** The storage, for faults. */
    public InMemorySpool spool() {
        return spool;
    }

    /** Lets a worker do what waits longest; false if nothing waits. */
    public boolean answer() {
        Runnable next = work.poll();
        if (next != null) {
            next.run();
        }
        return next != null;
    }

    /** Tells whether the engine relays for a domain. */
    public static boolean isOurs(MailDomain domain) {
        return OURS.find(domain).isPresent();
    }

    /** Everything in the spool, each as an M line of a {@link Transcript} has it; our trace field is left out. */
    public List<String> stored() {
        return queued().stream().map(this::describe).toList();
    }

    /** Whom the messages in the spool are for. */
    public List<Mailbox> recipients() {
        return queued().stream()
                .flatMap(message -> message.envelope().recipients().stream())
                .map(recipient -> recipient.path().mailbox())
                .toList();
    }

    private List<SpooledMessage> queued() {
        List<SpooledMessage> messages = new ArrayList<>();
        try {
            spool.scan(
                    entry -> messages.add(((SpoolEntry.Intact) entry).message().message()));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return messages;
    }

    private String describe(SpooledMessage message) {
        Envelope envelope = message.envelope();
        try (InputStream in = spool.read(message.id())) {
            return Transcript.describe(new ScriptedIntake.Received(
                    envelope.reversePath().toString(),
                    envelope.recipients().stream()
                            .map(recipient -> recipient.path().toString())
                            .toList(),
                    withoutTrace(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1)),
                    ""));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** What is below our Received field; fails if that is not the first. */
    public static String withoutTrace(String mailData) {
        if (!mailData.startsWith("Received: from ")) {
            throw new AssertionError("no Received field first: " + mailData);
        }
        int end = mailData.indexOf("\r\n");
        while (end + 2 < mailData.length() && (mailData.charAt(end + 2) == '\t' || mailData.charAt(end + 2) == ' ')) {
            end = mailData.indexOf("\r\n", end + 2);
        }
        return mailData.substring(end + 2);
    }

    private void pass(Duration duration) {
        time.advance(duration);
        while (answer()) {
            time.run();
        }
    }

    /** Brings the primary up, waits, and returns every recipient that mail was relayed to. */
    public List<Mailbox> relayed() {
        primary.allUp();
        for (int minute = 0; minute < 30; minute += 5) {
            pass(Duration.ofMinutes(5));
        }
        return primary.relayed().stream()
                .map(message -> message.recipient().mailbox())
                .toList();
    }
}
