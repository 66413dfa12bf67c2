package org.backupmx.smtp.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.net.ssl.SSLSocket;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.jspecify.annotations.Nullable;

/**
 * A primary on loopback, on plain sockets with a thread for each connection, that behaves as it is told and keeps every
 * message it took. Thread-safe.
 *
 * <pre>{@code
 * try (FakePrimary primary = FakePrimary.start()) {
 *   primary.behaviour(PrimaryBehaviour.accepting().reply(RCPT, "450 4.2.1 Busy"));
 *   ...
 *   primary.awaitMessages(3, Duration.ofSeconds(5));
 * }
 * }</pre>
 */
public final class FakePrimary implements AutoCloseable {

    private final InetAddress address;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile PrimaryBehaviour behaviour = PrimaryBehaviour.accepting();

    // guarded by this
    private final List<ReceivedMessage> messages = new ArrayList<>();
    private final List<String> commands = new ArrayList<>();
    private final List<Certificate> clientCertificates = new ArrayList<>();
    private final List<SocketAddress> clients = new ArrayList<>();
    private ServerSocket server;
    private int port;
    private int connections;
    private long octetsSent;

    private FakePrimary(InetAddress address) {
        this.address = address;
    }

    /** Starts on 127.0.0.1 and a free port. */
    public static FakePrimary start() {
        return start(InetAddress.getLoopbackAddress());
    }

    /** Starts on a loopback address and a free port. */
    public static FakePrimary start(InetAddress address) {
        FakePrimary primary = new FakePrimary(address);
        primary.restart();
        return primary;
    }

    /** Behaves like this from now on, in connections that are open too. */
    public FakePrimary behaviour(PrimaryBehaviour value) {
        behaviour = value;
        return this;
    }

    /** Opens again after {@link #stop()}, on the same port. */
    public synchronized void restart() {
        try {
            ServerSocket socket = new ServerSocket();
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(address, port), 1000);
            server = socket;
            port = socket.getLocalPort();
            run("fake-primary", () -> accept(socket));
        } catch (IOException e) {
            throw new AssertionError("primary cannot listen on port " + port, e);
        }
    }

    /** Refuses connections and breaks those that are open; what was received stays. */
    public synchronized void stop() {
        try {
            server.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Breaks the open connections; goes on listening. */
    public void dropConnections() {
        for (Socket socket : sockets) {
            closeQuietly(socket);
        }
    }

    @Override
    public void close() {
        stop();
    }

    /** The port; stays the same over a restart. */
    public synchronized int port() {
        return port;
    }

    /** The address it listens on. */
    public InetAddress address() {
        return address;
    }

    /** What was received and answered 2yz, in order. */
    public synchronized List<ReceivedMessage> messages() {
        return List.copyOf(messages);
    }

    /** The command lines of all connections, in order of arrival. */
    public synchronized List<String> commands() {
        return List.copyOf(commands);
    }

    /** The certificates that clients have shown. */
    public synchronized List<Certificate> clientCertificates() {
        return List.copyOf(clientCertificates);
    }

    /** Where connections came from, in order. */
    public synchronized List<SocketAddress> clients() {
        return List.copyOf(clients);
    }

    /** How many connections were accepted so far. */
    public synchronized int connections() {
        return connections;
    }

    /** How many octets were sent so far. */
    public synchronized long octetsSent() {
        return octetsSent;
    }

    /** How many connections are open now. */
    public int openConnections() {
        return sockets.size();
    }

    /** Forgets messages and commands. */
    public synchronized void clear() {
        messages.clear();
        commands.clear();
    }

    /** Waits until {@code count} messages are there and returns all; fails after {@code most}. */
    public synchronized List<ReceivedMessage> awaitMessages(int count, Duration most) {
        await(() -> messages.size() >= count, most, () -> messages.size() + " messages (expected: " + count + ")");
        return List.copyOf(messages);
    }

    /** Waits until a command that begins so has come; fails after {@code most}. */
    public synchronized void awaitCommand(String start, Duration most) {
        await(
                () -> commands.stream().anyMatch(c -> c.startsWith(start)),
                most,
                () -> commands + " (expected: " + start + ")");
    }

    /** Waits until no connection is open; fails after {@code most}. */
    public synchronized void awaitNoConnection(Duration most) {
        await(sockets::isEmpty, most, () -> sockets.size() + " connections (expected: none)");
    }

    private synchronized void await(BooleanSupplier done, Duration most, Supplier<String> otherwise) {
        long end = System.nanoTime() + most.toNanos();
        while (!done.getAsBoolean()) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                throw new AssertionError(otherwise.get());
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }

    private static void run(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept(ServerSocket listening) {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                sockets.add(socket);
                synchronized (this) {
                    connections++;
                    clients.add(socket.getRemoteSocketAddress());
                }
                if (listening.isClosed()) {
                    closeQuietly(socket);
                }
                run("fake-primary-session", () -> serve(socket));
            } catch (IOException e) {
                return; // stopped
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            new Session(socket).run();
        } catch (IOException e) {
            // the other side left, or a script said to end here
        } finally {
            sockets.remove(socket);
            synchronized (this) {
                notifyAll();
            }
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private final class Session {
        private Socket socket;
        private InputStream in;
        private OutputStream out;
        private long received;
        private long sent;
        private String mail = "";
        private final List<String> rcpts = new ArrayList<>();
        private final ByteArrayOutputStream chunks = new ByteArrayOutputStream();
        private boolean chunksRefused;

        Session(Socket socket) throws IOException {
            this.socket = socket;
            in = new BufferedInputStream(socket.getInputStream(), 65_536);
            out = socket.getOutputStream();
        }

        private void secure(Answer.Secure secure) throws IOException {
            say("220 2.0.0 Go on\r\n");
            SSLSocket secured = (SSLSocket) secure.tls().getSocketFactory().createSocket(socket, null, true);
            secured.setUseClientMode(false);
            secured.setNeedClientAuth(secure.wantsCertificate());
            secured.startHandshake();
            if (secure.wantsCertificate()) {
                synchronized (FakePrimary.this) {
                    clientCertificates.add(secured.getSession().getPeerCertificates()[0]);
                }
            }
            socket = secured;
            in = new BufferedInputStream(secured.getInputStream(), 65_536);
            out = secured.getOutputStream();
            reset();
        }

        void run() throws IOException {
            perform(behaviour.answer(Point.BANNER, ""));
            for (byte[] line = line(); ; line = line()) {
                String command = new String(line, StandardCharsets.UTF_8).stripTrailing();
                synchronized (FakePrimary.this) {
                    commands.add(command);
                    FakePrimary.this.notifyAll();
                }
                command(command);
            }
        }

        private void command(String command) throws IOException {
            Point point = socket instanceof SSLSocket ? inTls(point(command)) : point(command);
            if (point == Point.BDAT && behaviour.takesChunks()) {
                chunk(command);
                return;
            }
            point = point == Point.BDAT ? Point.OTHER : point;
            Answer answer = behaviour.answer(point, command);
            String wrong = outOfTurn(point);
            boolean scripted = !answer.equals(PrimaryBehaviour.accepting().answer(point, command));
            String reply = perform(wrong != null && !scripted ? new Answer.Say(wrong) : answer);
            boolean positive = reply.startsWith("2");
            switch (point) {
                case EHLO, EHLO_IN_TLS, HELO, RSET -> reset();
                case MAIL -> mail = positive ? command : mail;
                case RCPT -> {
                    if (positive) {
                        rcpts.add(command);
                    }
                }
                case DATA -> {
                    if (reply.startsWith("354")) {
                        data();
                    }
                }
                case QUIT -> throw new EOFException("QUIT");
                default -> {}
            }
        }

        private @Nullable String outOfTurn(Point point) {
            return switch (point) {
                case MAIL -> mail.isEmpty() ? null : "503 5.5.1 MAIL given already\r\n";
                case RCPT -> mail.isEmpty() ? "503 5.5.1 MAIL first\r\n" : null;
                case DATA ->
                    mail.isEmpty()
                            ? "503 5.5.1 MAIL first\r\n"
                            : rcpts.isEmpty() ? "554 5.5.1 No valid recipients\r\n" : null;
                default -> null;
            };
        }

        private void data() throws IOException {
            ByteArrayOutputStream data = new ByteArrayOutputStream();
            boolean first = true;
            byte[] line = line();
            while (line.length != 3 || line[0] != '.' || line[1] != '\r') {
                if (first) {
                    perform(behaviour.answer(Point.MAIL_DATA, ""));
                    first = false;
                }
                int skip = line[0] == '.' ? 1 : 0;
                data.write(line, skip, line.length - skip);
                line = line();
            }
            end(data.toByteArray());
        }

        private void end(byte[] data) throws IOException {
            ReceivedMessage message = new ReceivedMessage(mail, List.copyOf(rcpts), data);
            reset();
            Answer answer = behaviour.answer(Point.END_OF_DATA, "");
            // Entered before the reply leaves: who has seen the reply finds the message.
            if (taken(answer) && !message.rcpts().isEmpty()) {
                synchronized (FakePrimary.this) {
                    messages.add(message);
                    FakePrimary.this.notifyAll();
                }
            }
            perform(answer);
        }

        private void chunk(String command) throws IOException {
            String[] words = command.split(" ", -1);
            byte[] octets = new byte[Integer.parseInt(words[1])];
            for (int i = 0; i < octets.length; i++) {
                octets[i] = (byte) read();
            }
            boolean last = words.length == 3;
            String wrong = mail.isEmpty() ? "503 5.5.1 MAIL first\r\n" : null;
            if (wrong == null && rcpts.isEmpty()) {
                wrong = "554 5.5.1 No valid recipients\r\n";
            }
            if (wrong == null && chunksRefused) {
                wrong = "503 5.5.1 RSET first\r\n";
            }
            if (wrong != null) {
                say(wrong);
                return;
            }
            chunks.write(octets);
            if (last) {
                end(chunks.toByteArray());
            } else {
                chunksRefused = !perform(behaviour.answer(Point.BDAT, command)).startsWith("2");
            }
        }

        private boolean taken(Answer answer) {
            String text = answer instanceof Answer.Say say
                    ? say.text()
                    : answer instanceof Answer.SayAndClose last ? last.text() : "";
            return text.startsWith("2");
        }

        private void reset() {
            mail = "";
            rcpts.clear();
            chunks.reset();
            chunksRefused = false;
        }

        /** Does it and returns what was said. */
        private String perform(Answer answer) throws IOException {
            if (answer instanceof Answer.Say say) {
                say(say.text());
                return say.text();
            }
            if (answer instanceof Answer.SayAndClose last) {
                say(last.text());
                throw new EOFException("scripted");
            }
            if (answer instanceof Answer.Flood flood) {
                while (true) {
                    say(flood.text());
                }
            }
            if (answer instanceof Answer.Trickle trickle) {
                while (true) {
                    for (char c : trickle.text().toCharArray()) {
                        say(String.valueOf(c));
                        rest(trickle.pause());
                    }
                }
            }
            if (answer instanceof Answer.SayAndHalfClose half) {
                say(half.text());
                socket.shutdownOutput();
                return half.text();
            }
            if (answer instanceof Answer.Then then) {
                String said = perform(then.first());
                in.mark(1);
                if (in.read() < 0) {
                    throw new EOFException("closed by the client");
                }
                in.reset();
                perform(then.next());
                return said;
            }
            if (answer instanceof Answer.Reset) {
                socket.setSoLinger(true, 0);
                throw new EOFException("reset");
            }
            if (answer instanceof Answer.Secure secure) {
                secure(secure);
                return "220";
            }
            while (true) {
                read(); // stalled: swallows what comes, says nothing, until the other side closes
            }
        }

        private void say(String text) throws IOException {
            byte[] octets = text.getBytes(StandardCharsets.UTF_8);
            int count = (int) Math.min(octets.length, behaviour.cutAfterSending() - sent);
            synchronized (FakePrimary.this) {
                octetsSent += count;
            }
            out.write(octets, 0, count);
            sent += count;
            if (count < octets.length) {
                throw new EOFException("cut after sending");
            }
        }

        /** Lets time pass, or notices that the other side has closed. */
        private void rest(Duration pause) throws IOException {
            socket.setSoTimeout((int) pause.toMillis());
            try {
                read();
            } catch (SocketTimeoutException e) {
                // the usual end of a pause
            } finally {
                socket.setSoTimeout(0);
            }
        }

        private byte[] line() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream(128);
            int previous = 0;
            while (true) {
                int b = read();
                line.write(b);
                if (b == '\n' && previous == '\r') {
                    return line.toByteArray();
                }
                previous = b;
            }
        }

        private int read() throws IOException {
            if (received >= behaviour.cutAfterReceiving()) {
                throw new EOFException("cut after receiving");
            }
            int b = in.read();
            if (b < 0) {
                throw new EOFException("closed by the client");
            }
            received++;
            return b;
        }
    }

    private static Point inTls(Point point) {
        return point == Point.EHLO ? Point.EHLO_IN_TLS : point;
    }

    private static Point point(String command) {
        String verb = command.split(" ", 2)[0].toUpperCase(Locale.ROOT);
        return switch (verb) {
            case "EHLO", "HELO", "STARTTLS", "AUTH", "BDAT", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT" ->
                Point.valueOf(verb);
            default -> Point.OTHER;
        };
    }
}
