package org.backupmx.testing;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.TlsPolicy;
import org.jspecify.annotations.Nullable;

/**
 * A sending engine without a network: next hops that are up or down as the test says, outcomes by recipient, all that
 * was relayed in a list. Thread-safe.
 */
public final class FakeRelayClient implements RelayClient {

    /** What went out: one recipient of one message. */
    public record Relayed(NextHopAddress nextHop, ReversePath reversePath, ForwardPath recipient, String mailData) {}

    /** The reply that a recipient gets whose final reply is lost. */
    public static final SmtpReply LOST = SmtpReply.of(451, "4.4.2", "Connection lost after the end of mail data");

    /** The reply of a next hop that is down. */
    public static final SmtpReply UNREACHABLE = SmtpReply.of(451, "4.4.1", "Connection refused");

    /** What an attempt says that gets no TLS as its settings demand it. */
    public static final SmtpReply NO_TLS = SmtpReply.of(451, "4.7.5", "STARTTLS not offered");

    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private final Map<String, SmtpReply> refusals = new ConcurrentHashMap<>(); // by host, * for all
    private final Map<ForwardPath, SmtpReply> recipientReplies = new ConcurrentHashMap<>();
    private final List<Relayed> relayed = Collections.synchronizedList(new ArrayList<>());
    private final List<RelayRequest> attempts = Collections.synchronizedList(new ArrayList<>());
    private final List<ProbeRequest> probes = Collections.synchronizedList(new ArrayList<>());
    private final List<Runnable> stalled = new ArrayList<>(); // guarded by itself
    private volatile boolean stalling;
    private volatile boolean stallingProbes;
    private volatile @Nullable TlsPolicy notMet;
    private volatile boolean keeping = true;
    private volatile Function<RelayRequest, CompletionStage<RelayResult>> script = this::answer;
    private volatile PrimaryCapabilities capabilities =
            new PrimaryCapabilities("primary.test", List.of("PIPELINING", "SMTPUTF8"), Optional.empty());
    private volatile boolean telling;
    private volatile boolean started;
    private volatile boolean stopped;

    /** Makes a client whose next hops are all up. */
    public FakeRelayClient() {}

    /** Takes every next hop down. */
    public void allDown() {
        refusals.put("*", UNREACHABLE);
    }

    /** Brings every next hop up. */
    public void allUp() {
        refusals.clear();
    }

    /**
     * Takes a host down.
     *
     * @param host its name
     */
    public void down(String host) {
        refuse(host, UNREACHABLE);
    }

    /**
     * Makes a host refuse sessions.
     *
     * @param host its name
     * @param reply 4yz or 5yz
     */
    public void refuse(String host, SmtpReply reply) {
        refusals.put(host, requireNonNull(reply, "reply"));
    }

    /**
     * Brings a host up.
     *
     * @param host its name
     */
    public void up(String host) {
        refusals.remove(host);
    }

    /**
     * Sets the outcome of a recipient; 2yz, 4yz or 5yz.
     *
     * @param recipient the recipient
     * @param reply the reply it gets from now on
     */
    public void reply(ForwardPath recipient, SmtpReply reply) {
        recipientReplies.put(recipient, requireNonNull(reply, "reply"));
    }

    /**
     * Loses the final reply for a recipient: the message arrives, and the outcome is {@link RecipientOutcome.Unknown} until
     * another reply is set.
     *
     * @param recipient the recipient
     */
    public void loseReply(ForwardPath recipient) {
        reply(recipient, LOST);
    }

    /**
     * Replaces what answers attempts.
     *
     * @param value answers each attempt; may call {@link #answer}
     */
    public void script(Function<RelayRequest, CompletionStage<RelayResult>> value) {
        script = requireNonNull(value, "value");
    }

    /**
     * Gives no session, in attempts and probes, to who demands certain TLS.
     *
     * @param policy the policy that next hops do not meet
     */
    public void doesNotMeet(TlsPolicy policy) {
        notMet = policy;
    }

    /**
     * Sets what next hops say of themselves in probes from now on.
     *
     * @param extensions the lines of their answer to EHLO after the first
     */
    public void extensions(String... extensions) {
        capabilities = new PrimaryCapabilities("primary.test", List.of(extensions), Optional.empty());
    }

    /**
     * Sets what next hops say of themselves inside TLS, in probes from now on; it is they who decide about REQUIRETLS.
     *
     * @param extensions the lines of their answer to EHLO after the first
     */
    public void extensionsInTls(String... extensions) {
        capabilities = new PrimaryCapabilities(
                "primary.test",
                List.of(extensions),
                Optional.of(new PrimaryCapabilities.Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", Instant.MAX)));
    }

    /** Lets next hops say of themselves in each attempt what they say in probes. */
    public void tellInAttempts() {
        telling = true;
    }

    /** Lets no attempt end until {@link #resume()} or {@link #stop}. */
    public void stall() {
        stalling = true;
    }

    /** Lets no probe end until {@link #resume()} or {@link #stop}. */
    public void stallProbes() {
        stallingProbes = true;
    }

    /** Ends the attempts and probes that were stalled, and stalls no more. */
    public void resume() {
        stalling = false;
        stallingProbes = false;
        List<Runnable> ending;
        synchronized (stalled) {
            ending = List.copyOf(stalled);
            stalled.clear();
        }
        ending.forEach(Runnable::run);
    }

    /** Keeps no lists any more: for tests of speed. */
    public void keepNothing() {
        keeping = false;
    }

    /**
     * Returns what was relayed.
     *
     * @return in order
     */
    public List<Relayed> relayed() {
        synchronized (relayed) {
            return List.copyOf(relayed);
        }
    }

    /**
     * Returns every attempt at an address.
     *
     * @return in order
     */
    public List<RelayRequest> attempts() {
        synchronized (attempts) {
            return List.copyOf(attempts);
        }
    }

    /**
     * Returns every probe.
     *
     * @return in order
     */
    public List<ProbeRequest> probes() {
        synchronized (probes) {
            return List.copyOf(probes);
        }
    }

    /**
     * Tells whether it runs.
     *
     * @return true between start and stop
     */
    public boolean isRunning() {
        return started && !stopped;
    }

    @Override
    public CompletionStage<Void> start() {
        started = true;
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<RelayResult> relay(RelayRequest request) {
        if (keeping) {
            attempts.add(request);
        }
        if (!stalling) {
            return script.apply(request);
        }
        CompletableFuture<RelayResult> result = new CompletableFuture<>();
        synchronized (stalled) {
            stalled.add(() -> script.apply(request).thenAccept(result::complete));
        }
        return result;
    }

    /**
     * Answers an attempt by what the test has set.
     *
     * @param request the attempt
     * @return its result
     */
    public CompletionStage<RelayResult> answer(RelayRequest request) {
        SmtpReply refusal = stopped ? UNREACHABLE : refusal(request.nextHop());
        if (refusal == null && request.settings().tls().equals(notMet)) {
            refusal = NO_TLS;
        }
        if (refusal != null) {
            return CompletableFuture.completedFuture(new RelayResult.NoSession(
                    refusal, refusal.isPermanent() ? RelayResult.About.HOST : RelayResult.About.ADDRESS));
        }
        Optional<RecipientOutcome> unsafe = withoutRequireTls(request);
        if (unsafe.isPresent()) {
            return CompletableFuture.completedFuture(new RelayResult.Attempted(
                    Collections.nCopies(request.recipients().size(), unsafe.get()),
                    telling ? Optional.of(capabilities) : Optional.empty()));
        }
        String mailData;
        try (InputStream in = request.mailData().open()) {
            byte[] octets = in.readAllBytes();
            mailData = keeping ? new String(octets, StandardCharsets.ISO_8859_1) : "";
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
        List<RecipientOutcome> outcomes = new ArrayList<>();
        for (Recipient recipient : request.recipients()) {
            RecipientOutcome outcome = outcome(recipientReplies.getOrDefault(recipient.path(), OK));
            outcomes.add(outcome);
            boolean arrived =
                    outcome instanceof RecipientOutcome.Relayed || outcome instanceof RecipientOutcome.Unknown;
            if (keeping && arrived) {
                relayed.add(
                        new Relayed(request.nextHop(), request.envelope().reversePath(), recipient.path(), mailData));
            }
        }
        return CompletableFuture.completedFuture(
                new RelayResult.Attempted(outcomes, telling ? Optional.of(capabilities) : Optional.empty()));
    }

    /** What a client makes of REQUIRETLS before it says a word of the message. */
    private Optional<RecipientOutcome> withoutRequireTls(RelayRequest request) {
        if (!request.envelope().requireTls()) {
            return Optional.empty();
        }
        if (!request.settings().tls().isAuthenticating()) {
            return Optional.of(new RecipientOutcome.TransientFailure(SmtpReply.of(451, "4.7.5", "Not authenticated")));
        }
        return capabilities.tls().isPresent() && capabilities.offers("REQUIRETLS")
                ? Optional.empty()
                : Optional.of(new RecipientOutcome.PermanentFailure(SmtpReply.of(550, "5.7.30", "Next hop lacks it")));
    }

    private static RecipientOutcome outcome(SmtpReply reply) {
        if (reply.isPositive()) {
            return new RecipientOutcome.Relayed(reply);
        }
        if (reply.equals(LOST)) {
            return new RecipientOutcome.Unknown(reply);
        }
        return reply.isTransient()
                ? new RecipientOutcome.TransientFailure(reply)
                : new RecipientOutcome.PermanentFailure(reply);
    }

    private @Nullable SmtpReply refusal(NextHopAddress address) {
        SmtpReply all = refusals.get("*");
        return all != null ? all : refusals.get(address.nextHop().host());
    }

    @Override
    public CompletionStage<ProbeResult> probe(ProbeRequest request) {
        probes.add(request);
        if (!stallingProbes) {
            return CompletableFuture.completedFuture(answer(request));
        }
        CompletableFuture<ProbeResult> result = new CompletableFuture<>();
        synchronized (stalled) {
            stalled.add(() -> result.complete(answer(request)));
        }
        return result;
    }

    private ProbeResult answer(ProbeRequest request) {
        if (request.settings().tls().equals(notMet)) {
            return new ProbeResult.Unreachable("STARTTLS not offered");
        }
        SmtpReply refusal = refusal(request.nextHop());
        ProbeResult result = new ProbeResult.Healthy(capabilities);
        if (UNREACHABLE.equals(refusal)) {
            result = new ProbeResult.Unreachable("connection refused");
        } else if (refusal != null) {
            result = new ProbeResult.Refused(refusal);
        }
        return result;
    }

    @Override
    public CompletionStage<Void> stop(Duration grace) {
        stopped = true;
        resume();
        return CompletableFuture.completedFuture(null);
    }
}
