package org.backupmx.smtp.testing;

import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.Mailbox;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.jspecify.annotations.Nullable;

/**
 * A transcript against a server session without a network: with the client's octets cut as asked, and the intake's
 * answers at once, soon or late. Behind the session stands a {@link ScriptedIntake}, or the real engine if the
 * transcript says {@code % engine}.
 */
public final class TranscriptRun {

    /** When the intake answers. */
    public enum Answers {
        AT_ONCE,
        AFTER_EACH_READ,
        AFTER_EACH_GROUP
    }

    private final Transcript transcript;
    private final Answers answers;
    private final @Nullable SslContext tls;
    private @Nullable RelayEngine unused;

    /**
     * Prepares runs of a transcript.
     *
     * @param tls what STARTTLS uses, for transcripts that ask for it
     */
    public TranscriptRun(Transcript transcript, Answers answers, @Nullable SslContext tls) {
        this.transcript = transcript;
        this.answers = answers;
        this.tls = tls;
    }

    /**
     * Runs the transcript once; fails with an {@link AssertionError} that tells how it was run.
     *
     * @param cuts where the client's octets are cut, ascending, counted over the whole dialogue
     */
    public void cutAt(int... cuts) {
        try {
            run(cuts);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    transcript + " " + answers + " cut at " + Arrays.toString(cuts) + ": " + e.getMessage(), e);
        }
    }

    private void run(int[] cuts) {
        if (!transcript.has("engine")) {
            ScriptedIntake intake = intake(transcript);
            if (answers != Answers.AT_ONCE) {
                intake.answersLater();
            }
            run(intake, intake::answer, cuts);
            checkEnd(intake, transcript);
            return;
        }
        RelayEngine engine = unused == null ? new RelayEngine(answers != Answers.AT_ONCE) : unused;
        run(engine.intake(), engine::answer, cuts);
        boolean relays = !transcript.messages().isEmpty();
        checkStored(engine, transcript);
        if (relays && cuts.length == 0) {
            checkRelayed(engine);
        }
        unused = relays ? null : engine;
    }

    private void run(Intake intake, BooleanSupplier answer, int[] cuts) {
        SessionHarness session = new SessionHarness(
                intake,
                limits(transcript),
                transcript.has("reject-bare") ? BareLineEnds.REJECT : BareLineEnds.NORMALISE,
                transcript.has("tls") ? tls : null,
                transcript.listener(SessionHarness.LISTENER, IpNetwork.of("192.0.2.1")));
        int offset = 0;
        for (Transcript.Step step : transcript.steps()) {
            byte[] octets = step.octets();
            int from = 0;
            for (int cut : cuts) {
                int to = cut - offset;
                if (to > from && to < octets.length) {
                    session.send(octets, from, to);
                    from = to;
                    if (answers != Answers.AFTER_EACH_GROUP) {
                        answer(session, answer);
                    }
                }
            }
            if (from < octets.length) {
                session.send(octets, from, octets.length);
            }
            answer(session, answer);
            offset += octets.length;
            check(step, session);
        }
        session.vanish();
        answer(session, answer);
        session.checkException();
        require(session.bufferBytes() == 0, "buffers: " + session.bufferBytes());
    }

    private static void answer(SessionHarness session, BooleanSupplier answer) {
        while (answer.getAsBoolean()) {
            session.runTasks();
        }
    }

    private static void check(Transcript.Step step, SessionHarness session) {
        List<String> said = session.saidLines();
        Iterator<String> lines = said.iterator();
        boolean answered;
        try {
            answered = step.isAnsweredBy(() -> lines.hasNext() ? lines.next() : null);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        require(
                answered && !lines.hasNext() && session.isClosed() == step.closes(),
                "\nsent:     " + step.sent() + "\nexpected: " + step.replies() + (step.closes() ? " and close" : "")
                        + "\nsaid:     " + said + (session.isClosed() ? " and close" : ""));
    }

    /** Checks what a scripted intake has in the end. */
    public static void checkEnd(ScriptedIntake intake, Transcript transcript) {
        List<String> messages =
                intake.messages().stream().map(Transcript::describe).toList();
        require(messages.equals(transcript.messages()), "accepted: " + messages);
        if (!transcript.client().isEmpty()) {
            List<ClientInfo> clients = intake.clients();
            String last = Transcript.describe(clients.get(clients.size() - 1));
            require(last.equals(transcript.client()), "client: " + last);
        }
        require(intake.breaches().isEmpty(), "breaches: " + intake.breaches());
        require(intake.openSessions() == 0, "open sessions: " + intake.openSessions());
    }

    /** Checks what the engine stored: nothing for a domain that is not ours. */
    public static void checkStored(RelayEngine engine, Transcript transcript) {
        List<String> stored = engine.stored();
        require(stored.equals(transcript.messages()), "stored: " + stored);
        for (Mailbox recipient : engine.recipients()) {
            require(RelayEngine.isOurs(recipient.domain()), "stored for: " + recipient);
        }
    }

    /** Checks what the engine relays once the primary is up: everything, and nothing to a domain that is not ours. */
    public static void checkRelayed(RelayEngine engine) {
        int expected = engine.recipients().size();
        List<Mailbox> relayed = engine.relayed();
        require(relayed.size() == expected && engine.stored().isEmpty(), "relayed: " + relayed);
        for (Mailbox recipient : relayed) {
            require(RelayEngine.isOurs(recipient.domain()), "relayed: " + recipient);
        }
    }

    private static void require(boolean held, String otherwise) {
        if (!held) {
            throw new AssertionError(otherwise);
        }
    }

    /** The intake that a transcript's options ask for. */
    public static ScriptedIntake intake(Transcript transcript) {
        return new ScriptedIntake()
                .maxMessageBytes(Long.parseLong(transcript.option("max-bytes", "1000000")))
                .maxRecipients(Integer.parseInt(transcript.option("max-recipients", "100")))
                .onConnect(transcript.option("connect", ""));
    }

    /** The limits that a transcript's options ask for. */
    public static SmtpLimits limits(Transcript transcript) {
        return SmtpLimits.builder()
                .badCommands(Integer.parseInt(transcript.option("bad-commands", "20")))
                .idleCommands(Integer.parseInt(transcript.option("idle-commands", "5000")))
                .transactions(Integer.parseInt(transcript.option("transactions", "1000")))
                .commandLineOctets(Integer.parseInt(transcript.option("line", "2048")))
                .build();
    }
}
