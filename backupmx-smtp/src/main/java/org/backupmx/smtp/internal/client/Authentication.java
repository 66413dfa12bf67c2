package org.backupmx.smtp.internal.client;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.smtp.internal.client.ScramSha256.ScramFault;
import org.jspecify.annotations.Nullable;

/**
 * AUTH on a connection whose EHLO was accepted (RFC 4954): by SCRAM-SHA-256, else inside TLS by PLAIN or LOGIN. Octets that
 * hold the password are wiped when they have left. Belongs to the connection's event loop.
 */
final class Authentication {

    private static final String SCRAM = "SCRAM-SHA-256";

    /** The longest command line (RFC 4954 section 4); a longer initial response goes in a line of its own. */
    private static final int MAX_LINE = 512;

    private final RelayConnection connection;
    private final RelayCredentials credentials;
    private final boolean inTls;
    private final Executor workers;
    private final String nonce;
    private final Runnable onDone;
    private final Consumer<DialogueFault> onRefused;

    /** One of the two is told, or else the dialogue ends with a fault. */
    Authentication(
            RelayConnection connection,
            RelayCredentials credentials,
            boolean inTls,
            Executor workers,
            String nonce,
            Runnable onDone,
            Consumer<DialogueFault> onRefused) {
        this.connection = connection;
        this.credentials = credentials;
        this.inTls = inTls;
        this.workers = workers;
        this.nonce = nonce;
        this.onDone = onDone;
        this.onRefused = onRefused;
    }

    void begin() {
        Set<String> offered = connection.extensions().mechanisms();
        if (offered.contains(SCRAM)) {
            scram();
        } else if (inTls && offered.contains("PLAIN")) {
            plain();
        } else if (inTls && offered.contains("LOGIN")) {
            login();
        } else {
            boolean shows = offered.contains("PLAIN") || offered.contains("LOGIN");
            refused(shows ? "AUTH that shows the password is offered outside TLS" : "No AUTH that we know is offered");
        }
    }

    // ---- PLAIN and LOGIN

    private void plain() {
        byte[] response = credentials.lend(password -> {
            byte[] name = octets(credentials.user().toCharArray());
            byte[] secret = octets(password);
            byte[] message = new byte[name.length + secret.length + 2];
            System.arraycopy(name, 0, message, 1, name.length);
            System.arraycopy(secret, 0, message, name.length + 2, secret.length);
            Arrays.fill(secret, (byte) 0);
            return base64(message);
        });
        if ("AUTH PLAIN ".length() + response.length <= MAX_LINE) {
            say("AUTH PLAIN ", response, this::decidedWithoutText);
        } else {
            say("AUTH PLAIN\r\n", null, asked -> onward(asked, () -> say("", response, this::decidedWithoutText)));
        }
    }

    private void login() {
        say(
                "AUTH LOGIN\r\n",
                null,
                asked -> onward(asked, () -> {
                    byte[] name = base64(octets(credentials.user().toCharArray()));
                    say(
                            "",
                            name,
                            askedAgain -> onward(askedAgain, () -> {
                                byte[] secret = credentials.lend(password -> base64(octets(password)));
                                say("", secret, this::decidedWithoutText);
                            }));
                }));
    }

    // ---- SCRAM

    private void scram() {
        ScramSha256 scram = new ScramSha256(credentials.user(), nonce);
        byte[] first = base64(scram.first().getBytes(StandardCharsets.UTF_8));
        if ("AUTH ".length() + SCRAM.length() + 1 + first.length <= MAX_LINE) {
            say("AUTH " + SCRAM + " ", first, challenge -> onward(challenge, () -> prove(scram, challenge)));
        } else {
            say(
                    "AUTH " + SCRAM + "\r\n",
                    null,
                    asked -> onward(
                            asked,
                            () -> say("", first, challenge -> onward(challenge, () -> prove(scram, challenge)))));
        }
    }

    private void prove(ScramSha256 scram, SmtpReply challenge) {
        connection.dialogue().extend("authenticating", connection.timeouts().greeting());
        try {
            workers.execute(() -> {
                Runnable next = credentials.lend(password -> answered(scram, challenge, password));
                connection.loop().execute(next);
            });
        } catch (RejectedExecutionException e) {
            connection.dialogue().fail(DialogueFault.stopped());
        }
    }

    /** Returns what comes next on the event loop. */
    private Runnable answered(ScramSha256 scram, SmtpReply challenge, char[] password) {
        try {
            String last = scram.last(text(challenge), password);
            return () -> say(last, scram);
        } catch (ScramFault e) {
            return () -> broken(e);
        }
    }

    private void say(String last, ScramSha256 scram) {
        if (connection.dialogue().isEnded()) {
            return;
        }
        say(
                "",
                base64(last.getBytes(StandardCharsets.UTF_8)),
                signature -> onward(signature, () -> {
                    try {
                        scram.check(text(signature));
                    } catch (ScramFault e) {
                        broken(e);
                        return;
                    }
                    say("\r\n", null, this::decided);
                }));
    }

    private static String text(SmtpReply reply) throws ScramFault {
        try {
            return new String(Base64.getDecoder().decode(reply.lines().get(0).strip()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new ScramFault("a challenge that is not Base64");
        }
    }

    // ---- replies

    /** Goes on after 334; anything else decides, and 2yz is too early. */
    private void onward(SmtpReply reply, Runnable next) {
        if (reply.code() == 334) {
            next.run();
        } else if (reply.isPositive()) {
            connection.dialogue().fail(DialogueFault.malformed("reply " + reply.code() + " in the middle of AUTH"));
        } else {
            decided(reply);
        }
    }

    private void decided(SmtpReply reply) {
        decided(reply, reply.toString());
    }

    /** What the next hop says of an AUTH that held the password may hold it, too. */
    private void decidedWithoutText(SmtpReply reply) {
        decided(
                reply,
                reply.code() + reply.enhanced().map(status -> " " + status).orElse(""));
    }

    private void decided(SmtpReply reply, String shown) {
        if (reply.isPositive()) {
            onDone.run();
        } else if (reply.code() == 421) {
            connection.dialogue().fail(DialogueFault.refused(reply));
        } else if (reply.isTransient() || reply.isPermanent()) {
            refused("Authentication refused by the next hop: " + shown);
        } else {
            connection.dialogue().fail(DialogueFault.malformed("reply " + reply.code() + " to AUTH"));
        }
    }

    private void broken(ScramFault fault) {
        connection.dialogue().fail(DialogueFault.noAuth("Authentication broken off: " + fault.getMessage()));
    }

    private void refused(String why) {
        connection.quit();
        onRefused.accept(DialogueFault.noAuth(why));
    }

    // ---- octets

    /** Sends words, then a response and CRLF if there is one, which is wiped. */
    private void say(String words, byte @Nullable [] response, Consumer<SmtpReply> onReply) {
        byte[] start = words.getBytes(StandardCharsets.US_ASCII);
        byte[] line = start;
        if (response != null) {
            line = Arrays.copyOf(start, start.length + response.length + 2);
            System.arraycopy(response, 0, line, start.length, response.length);
            line[line.length - 2] = '\r';
            line[line.length - 1] = '\n';
            Arrays.fill(response, (byte) 0);
        }
        connection.dialogue().sendSecret(line, "AUTH", connection.timeouts().greeting(), onReply);
        connection.dialogue().flush();
    }

    private static byte[] octets(char[] text) {
        CharsetEncoder encoder = StandardCharsets.UTF_8
                .newEncoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        ByteBuffer encoded = ByteBuffer.wrap(new byte[text.length * 3]);
        encoder.encode(CharBuffer.wrap(text), encoded, true);
        byte[] octets = Arrays.copyOf(encoded.array(), encoded.position());
        Arrays.fill(encoded.array(), (byte) 0);
        return octets;
    }

    /** Encodes octets and wipes them. */
    private static byte[] base64(byte[] octets) {
        byte[] encoded = Base64.getEncoder().encode(octets);
        Arrays.fill(octets, (byte) 0);
        return encoded;
    }
}
