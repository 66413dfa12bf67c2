package org.backupmx.testing;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeServer;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.ReversePath;
import org.jspecify.annotations.Nullable;

/** A receiving engine without a network: a test plays the client, call by call. Thread-safe. */
public final class FakeIntakeServer implements IntakeServer {

    private final Runnable pump;
    private volatile @Nullable Intake intake;
    private volatile @Nullable RuntimeException fault;
    private volatile boolean running;

    /** Makes a server for an engine with threads of its own; calls wait for its answers, 10 s at most. */
    public FakeIntakeServer() {
        this(() -> {});
    }

    /**
     * Makes a server for an engine on virtual time.
     *
     * @param scheduler is run until there is an answer
     */
    public FakeIntakeServer(ManualScheduler scheduler) {
        this(scheduler::run);
    }

    private FakeIntakeServer(Runnable pump) {
        this.pump = pump;
    }

    /**
     * Makes the start fail.
     *
     * @param value with what
     */
    public void failStart(RuntimeException value) {
        fault = requireNonNull(value, "value");
    }

    /**
     * Tells whether it listens.
     *
     * @return true between start and stop
     */
    public boolean isRunning() {
        return running;
    }

    @Override
    public CompletionStage<Void> start(Intake asked) {
        RuntimeException planned = fault;
        if (planned != null) {
            return CompletableFuture.failedFuture(planned);
        }
        intake = asked;
        running = true;
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<Void> stop(Duration grace) {
        running = false;
        return CompletableFuture.completedFuture(null);
    }

    /**
     * Connects from 192.0.2.10.
     *
     * @return the client's side
     */
    public Client connect() {
        return connect("192.0.2.10");
    }

    /**
     * Connects.
     *
     * @param address the client's address
     * @return the client's side, after EHLO
     */
    public Client connect(String address) {
        ClientInfo info = new ClientInfo(at(address, 40000), at("192.0.2.1", 25));
        Greeting greeting = await(requireNonNull(intake, "intake").connect(info));
        if (!(greeting instanceof Greeting.Welcome welcome)) {
            throw new IllegalStateException("greeting: " + greeting + " (expected: a welcome)");
        }
        Client client = new Client(welcome.session());
        client.helo("client.example.com");
        return client;
    }

    /**
     * Asks for the greeting only.
     *
     * @return the greeting
     */
    public Greeting greeting() {
        return await(
                requireNonNull(intake, "intake").connect(new ClientInfo(at("192.0.2.10", 40000), at("192.0.2.1", 25))));
    }

    private static InetSocketAddress at(String address, int port) {
        try {
            return new InetSocketAddress(InetAddress.getByName(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("address: " + address + " (expected: an IP address)", e);
        }
    }

    private <T> T await(CompletionStage<T> stage) {
        CompletableFuture<T> future = stage.toCompletableFuture();
        if (!future.isDone()) {
            pump.run();
        }
        try {
            return future.get(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("no answer", e);
        }
    }

    /** The client's side of one connection. Used by one thread. */
    public final class Client {
        private final IntakeSession session;

        Client(IntakeSession session) {
            this.session = session;
        }

        /**
         * Returns the session itself.
         *
         * @return what the engine made
         */
        public IntakeSession session() {
            return session;
        }

        /**
         * Says EHLO.
         *
         * @param name the client's name
         * @return the verdict
         */
        public Verdict helo(String name) {
            return await(session.helo(name, true));
        }

        /**
         * Says MAIL.
         *
         * @param reversePath the reverse-path, empty for null
         * @return the verdict
         */
        public Verdict mail(String reversePath) {
            return mail(reversePath, MailParameters.none());
        }

        /**
         * Says MAIL with parameters.
         *
         * @param reversePath the reverse-path, empty for null
         * @param parameters the parameters
         * @return the verdict
         */
        public Verdict mail(String reversePath, MailParameters parameters) {
            return await(session.mail(ReversePath.parse(reversePath), parameters));
        }

        /**
         * Says RCPT.
         *
         * @param recipient the forward-path
         * @return the verdict
         */
        public Verdict rcpt(String recipient) {
            return rcpt(recipient, RcptParameters.none());
        }

        /**
         * Says RCPT with parameters.
         *
         * @param recipient the forward-path
         * @param parameters its parameters
         * @return the verdict
         */
        public Verdict rcpt(String recipient, RcptParameters parameters) {
            return await(session.rcpt(ForwardPath.parse(recipient), parameters));
        }

        /**
         * Says RCPT for the bare postmaster.
         *
         * @return the verdict
         */
        public Verdict postmaster() {
            return await(session.postmaster(RcptParameters.none()));
        }

        /**
         * Says ETRN.
         *
         * @param domain the domain
         * @return the verdict
         */
        public Verdict etrn(String domain) {
            return await(session.etrn(MailDomain.of(domain)));
        }

        /**
         * Says DATA and sends mail data, in pieces.
         *
         * @param pieces the mail data
         * @return the verdict on the end of it, or on DATA
         */
        public Verdict data(String... pieces) {
            CompletionStage<Verdict> end = begin(pieces);
            return await(end);
        }

        /**
         * Says DATA, sends mail data and its end, and does not wait for the verdict.
         *
         * @param pieces the mail data
         * @return the verdict to come
         */
        public CompletionStage<Verdict> begin(String... pieces) {
            DataVerdict verdict = await(session.data());
            if (verdict instanceof DataVerdict.Refused refused) {
                return CompletableFuture.completedFuture(refused.verdict());
            }
            return written((DataVerdict.Proceed) verdict, pieces).finish();
        }

        /**
         * Says DATA and sends mail data without its end.
         *
         * @param pieces the mail data
         * @return where it went
         */
        public MailDataSink write(String... pieces) {
            return written((DataVerdict.Proceed) await(session.data()), pieces);
        }

        private MailDataSink written(DataVerdict.Proceed proceed, String... pieces) {
            for (String piece : pieces) {
                await(proceed.sink().write(ByteBuffer.wrap(piece.getBytes(StandardCharsets.ISO_8859_1))));
            }
            return proceed.sink();
        }

        /**
         * Sends a message.
         *
         * @param reversePath the reverse-path, empty for null
         * @param mailData the mail data
         * @param recipients the forward-paths
         * @return the first verdict that is not positive, else the last
         */
        public Verdict send(String reversePath, String mailData, String... recipients) {
            Verdict verdict = mail(reversePath);
            for (int i = 0; i < recipients.length && verdict instanceof Verdict.Accept; i++) {
                verdict = rcpt(recipients[i]);
            }
            return verdict instanceof Verdict.Accept ? data(mailData) : verdict;
        }
    }
}
