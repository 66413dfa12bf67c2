package org.backupmx.smtp.testing;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;

/**
 * An intake that keeps messages in memory and answers by the words in names and local parts:
 *
 * <ul>
 *   <li>{@code defer}, {@code reject}, {@code disconnect}: that verdict on HELO, MAIL or RCPT;
 *   <li>{@code fault}: a stage that fails; {@code throws}: the call itself fails;
 *   <li>{@code data-…} in a reverse-path: the same for DATA; {@code write-fault}: for mail data; {@code end-…}: for its
 *       end.
 * </ul>
 *
 * <p>It notes every breach of the port's rules. Answers come at once or, if {@link #answersLater()}, when
 * {@link #answer()} is called. Thread-safe.
 */
public final class ScriptedIntake implements Intake {

    /** A fault that the script asks for. */
    private static final class ScriptedFault extends RuntimeException {
        ScriptedFault() {
            super("scripted", null, false, false);
        }
    }

    /** A message that was accepted; each character of {@code mailData} is one octet. */
    public record Received(String reversePath, List<String> forwardPaths, String mailData, String parameters) {}

    private final List<Received> messages = Collections.synchronizedList(new ArrayList<>());
    private final List<String> breaches = Collections.synchronizedList(new ArrayList<>());
    private final List<Recipient> recipients = Collections.synchronizedList(new ArrayList<>());
    private final List<ClientInfo> clients = Collections.synchronizedList(new ArrayList<>());
    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    private final Queue<Runnable> answers = new ConcurrentLinkedQueue<>();
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicInteger abandoned = new AtomicInteger();
    private volatile boolean later;
    private volatile String connect = "";
    private volatile long maxMessageBytes = 1_000_000;
    private volatile int maxRecipients = 100;
    private volatile boolean requireTls;

    /** Makes answers wait for {@link #answer()}. */
    public ScriptedIntake answersLater() {
        later = true;
        return this;
    }

    /** Greets with this word's verdict: {@code reject}, {@code reject} and the client's
     * address, {@code defer}, {@code fault} or {@code throws}. */
    public ScriptedIntake onConnect(String word) {
        connect = word;
        return this;
    }

    /** Sets the largest message. */
    public ScriptedIntake maxMessageBytes(long value) {
        maxMessageBytes = value;
        return this;
    }

    /** Sets the most recipients. */
    public ScriptedIntake maxRecipients(int value) {
        maxRecipients = value;
        return this;
    }

    /** Offers REQUIRETLS to who asks inside TLS, or not. */
    public ScriptedIntake offerRequireTls(boolean value) {
        requireTls = value;
        return this;
    }

    /** Gives the oldest answer that waits; false if none does. */
    public boolean answer() {
        Runnable next = answers.poll();
        if (next != null) {
            next.run();
        }
        return next != null;
    }

    /** What was accepted. */
    public List<Received> messages() {
        return List.copyOf(messages);
    }

    /** What the engine did that the port forbids. */
    public List<String> breaches() {
        return List.copyOf(breaches);
    }

    /** What was asked, in order. */
    public List<String> calls() {
        return List.copyOf(calls);
    }

    /** Who was asked for, with DSN parameters, whatever the answer; postmaster without a domain is not among them. */
    public List<Recipient> recipients() {
        return List.copyOf(recipients);
    }

    /** Who connected, in order. */
    public List<ClientInfo> clients() {
        return List.copyOf(clients);
    }

    /** How many sessions are not closed. */
    public int openSessions() {
        return open.get();
    }

    /** How many messages were abandoned. */
    public int abandoned() {
        return abandoned.get();
    }

    @Override
    public CompletionStage<Greeting> connect(ClientInfo client) {
        calls.add("connect");
        clients.add(client);
        if (connect.equals("throws")) {
            throw new ScriptedFault();
        }
        CompletableFuture<Greeting> answer = new CompletableFuture<>();
        give(() -> {
            if (connect.equals("fault")) {
                answer.completeExceptionally(new ScriptedFault());
            } else if (connect.equals("defer")) {
                answer.complete(new Greeting.Refusal(SmtpReply.of(421, "4.7.0", "Not now")));
            } else if (connect.equals("reject")
                    || connect.equals("reject " + client.remote().getAddress().getHostAddress())) {
                answer.complete(new Greeting.Refusal(SmtpReply.of(554, "5.7.1", "Go away")));
            } else {
                open.incrementAndGet();
                answer.complete(new Greeting.Welcome("mx2.example.net", new Session(), maxMessageBytes, maxRecipients));
            }
        });
        return answer;
    }

    private void give(Runnable answer) {
        if (later) {
            answers.add(answer);
        } else {
            answer.run();
        }
    }

    private final class Session implements IntakeSession {
        private final List<String> forwardPaths = new ArrayList<>();
        private final StringBuilder parameters = new StringBuilder();
        private String reversePath = "";
        private boolean transaction;
        private boolean busy;
        private boolean closed;

        private synchronized void begin(String call) {
            calls.add(call);
            check(!busy, call + " while another call is open");
            check(!closed, call + " after close");
        }

        private void check(boolean rule, String breach) {
            if (!rule) {
                breaches.add(breach);
            }
        }

        private <T> CompletionStage<T> ask(String call, String word, Supplier<T> effect) {
            begin(call);
            if (word.contains("throws")) {
                throw new ScriptedFault();
            }
            synchronized (this) {
                busy = true;
            }
            CompletableFuture<T> answer = new CompletableFuture<>();
            give(() -> {
                T value;
                synchronized (this) {
                    busy = false;
                    value = effect.get();
                }
                if (word.contains("fault")) {
                    answer.completeExceptionally(new ScriptedFault());
                } else {
                    answer.complete(value);
                }
            });
            return answer;
        }

        private Verdict verdict(String word, String enhanced, String text) {
            if (word.contains("disconnect")) {
                return new Verdict.Disconnect(SmtpReply.of(421, "4.7.0", "Leave"));
            }
            if (word.contains("defer")) {
                return new Verdict.Defer(SmtpReply.of(450, "4.7.1", "Later"));
            }
            if (word.contains("reject")) {
                return new Verdict.Reject(SmtpReply.of(550, "5.7.1", "Never"));
            }
            return new Verdict.Accept(SmtpReply.of(250, enhanced, text));
        }

        private boolean isPlain(String word) {
            return !word.matches(".*(disconnect|defer|reject|fault).*");
        }

        @Override
        public void secured(String protocol, String cipherSuite) {
            begin("secured " + protocol);
        }

        @Override
        public boolean offersRequireTls() {
            begin("offersRequireTls");
            return requireTls;
        }

        @Override
        public CompletionStage<Verdict> helo(String name, boolean extended) {
            transaction = false;
            return ask((extended ? "ehlo " : "helo ") + name, name, () -> verdict(name, "2.0.0", "unused"));
        }

        @Override
        public CompletionStage<Verdict> mail(ReversePath path, MailParameters given) {
            check(!transaction, "mail within a transaction");
            String word = path.toString().matches("(data|write|end)-.*") ? "" : path.toString();
            return ask("mail <" + path + ">", word, () -> {
                if (isPlain(word)) {
                    transaction = true;
                    reversePath = path.toString();
                    forwardPaths.clear();
                    parameters.setLength(0);
                    parameters
                            .append(given.sizeBytes())
                            .append(' ')
                            .append(given.bodyType())
                            .append(given.smtpUtf8() ? " SMTPUTF8" : "")
                            .append(given.requireTls() ? " REQUIRETLS" : "")
                            .append(given.dsn().toString().isEmpty() ? "" : " " + given.dsn());
                }
                return verdict(word, "2.1.0", "Sender ok");
            });
        }

        @Override
        public CompletionStage<Verdict> rcpt(ForwardPath path, RcptParameters given) {
            recipients.add(given.recipient(path));
            return recipient(path.toString());
        }

        @Override
        public CompletionStage<Verdict> postmaster(RcptParameters given) {
            return recipient("postmaster@");
        }

        private CompletionStage<Verdict> recipient(String path) {
            check(transaction, "rcpt outside a transaction");
            return ask("rcpt <" + path + ">", path, () -> {
                if (isPlain(path)) {
                    forwardPaths.add(path);
                }
                return verdict(path, "2.1.5", "Recipient ok");
            });
        }

        @Override
        public CompletionStage<Verdict> etrn(MailDomain domain) {
            check(!transaction, "etrn within a transaction");
            return ask("etrn " + domain, domain.toString(), () -> verdict(domain.toString(), "2.0.0", "Queuing"));
        }

        @Override
        public CompletionStage<DataVerdict> data() {
            check(transaction && !forwardPaths.isEmpty(), "data without recipients");
            String word = reversePath.startsWith("data-") ? reversePath : "";
            return ask("data", word, () -> {
                if (isPlain(word) || word.contains("fault")) {
                    return new DataVerdict.Proceed(new Sink());
                }
                transaction = false;
                return new DataVerdict.Refused(verdict(word, "2.0.0", "unused"));
            });
        }

        @Override
        public void reset() {
            begin("reset");
            transaction = false;
        }

        @Override
        public void close() {
            begin("close");
            closed = true;
            open.decrementAndGet();
        }

        private final class Sink implements MailDataSink {
            private final ByteArrayOutputStream octets = new ByteArrayOutputStream();
            private boolean over;

            @Override
            public CompletionStage<Void> write(ByteBuffer mailData) {
                check(!over, "write after the end");
                check(mailData.hasRemaining(), "empty write");
                String word = reversePath.startsWith("write-") ? reversePath : "";
                // read when the answer is given: the engine must leave the octets alone until then
                return ask("write", word, () -> {
                    if (!over) {
                        byte[] copy = new byte[mailData.remaining()];
                        mailData.get(copy);
                        octets.writeBytes(copy);
                    }
                    return null;
                });
            }

            @Override
            public CompletionStage<Verdict> finish() {
                check(!over, "finish after the end");
                over = true;
                String word = reversePath.startsWith("end-") ? reversePath : "";
                return ask("finish", word, () -> {
                    transaction = false;
                    if (isPlain(word)) {
                        messages.add(new Received(
                                reversePath,
                                List.copyOf(forwardPaths),
                                octets.toString(StandardCharsets.ISO_8859_1),
                                parameters.toString()));
                    }
                    return verdict(word, "2.0.0", "Queued");
                });
            }

            @Override
            public void abandon() {
                calls.add("abandon");
                check(!over, "abandon after the end");
                over = true;
                transaction = false;
                abandoned.incrementAndGet();
            }
        }
    }
}
