package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves operators at a Unix domain socket that only the server's own user may open. A connection is one request, a line
 * of words, and one answer: a status line, then lines of text. There are at most {@value #MAX_CONNECTIONS} at a time, a
 * request has at most {@value #MAX_REQUEST_OCTETS} octets. The threads are daemons, so the end waits for none of them;
 * and they are never interrupted, since that would close files of the spool under them.
 */
final class AdminServer implements AutoCloseable {

    /** Begins the status line of an answer; behind it stands how many lines follow. */
    static final String OK = "ok ";

    /** Begins the status line, which is all, if the request is at fault. */
    static final String REFUSED = "refused ";

    /** Begins the status line, which is all, if it could not be done. */
    static final String FAILED = "failed ";

    static final int MAX_REQUEST_OCTETS = 16_384;
    static final int MAX_CONNECTIONS = 8;

    /** How long a client may take to send its request, and again to read the answer. */
    static final Duration TIMEOUT = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    private static final int BACKLOG = 16;
    private static final byte[] BUSY = (FAILED + "busy: " + MAX_CONNECTIONS + " requests at a time\n").getBytes(UTF_8);

    private final Path path;
    private final Object file;
    private final ServerSocketChannel listener;
    private final Requests requests;
    private final Duration timeout;
    private final Set<SocketChannel> clients = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, daemons("admin-timer"));
    private final ThreadPoolExecutor workers = new ThreadPoolExecutor(
            0, MAX_CONNECTIONS, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), daemons("admin"));

    /** What answers. */
    @FunctionalInterface
    interface Requests {

        /**
         * Answers a line of words.
         *
         * @param by who asks, a line for audits
         * @throws IllegalArgumentException if the request is at fault
         * @throws Exception if it could not be done
         */
        List<String> answer(String request, String by) throws Exception;
    }

    private AdminServer(Path path, ServerSocketChannel listener, Requests requests, Duration timeout)
            throws IOException {
        this.path = path;
        this.file = fileKey(path);
        this.listener = listener;
        this.requests = requests;
        this.timeout = timeout;
        timer.setRemoveOnCancelPolicy(true);
    }

    /** Opens the socket and serves it. What is left there of a server that was killed is replaced. */
    static AdminServer open(Path path, Requests requests, Duration timeout) throws IOException {
        removeStale(path);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(path), BACKLOG);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            refuseEarlier(listener);
            AdminServer server = new AdminServer(path, listener, requests, timeout);
            daemons("admin-accept").newThread(server::acceptAll).start();
            LOG.atInfo().addKeyValue("path", path).log("admin socket opened");
            return server;
        } catch (IOException e) {
            listener.close();
            throw new IOException("admin socket " + path + ": cannot be opened: " + ReferenceServer.oneLine(e), e);
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new IOException(
                    "admin socket " + path + ": is a file or a directory (expected: a socket, or nothing)");
        }
        boolean alive;
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            alive = probe.isConnected();
        } catch (IOException e) {
            alive = false;
        }
        if (alive) {
            throw new IOException("admin socket " + path + ": in use by a server that runs (expected: one of its own)");
        }
        Files.deleteIfExists(path);
    }

    /** Between bind and the file's mode others may have come in. */
    private static void refuseEarlier(ServerSocketChannel listener) throws IOException {
        listener.configureBlocking(false);
        for (SocketChannel early = listener.accept(); early != null; early = listener.accept()) {
            early.close();
        }
        listener.configureBlocking(true);
    }

    private static Object fileKey(Path path) throws IOException {
        return Objects.requireNonNullElse(
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .fileKey(),
                path);
    }

    private static ThreadFactory daemons(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    private void acceptAll() {
        while (listener.isOpen()) {
            try {
                accept(listener.accept());
            } catch (IOException e) {
                if (listener.isOpen()) {
                    LOG.atWarn()
                            .addKeyValue("reason", ReferenceServer.oneLine(e))
                            .log("admin socket cannot accept");
                    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1)); // out of file descriptors, most likely
                }
            }
        }
    }

    private void accept(SocketChannel client) throws IOException {
        clients.add(client);
        try {
            workers.execute(() -> serve(client));
        } catch (RejectedExecutionException e) {
            client.configureBlocking(false); // an empty socket takes a line without waiting
            client.write(ByteBuffer.wrap(BUSY));
            drop(client);
        }
        if (!listener.isOpen()) {
            drop(client); // the end may have missed it
        }
    }

    private void serve(SocketChannel client) {
        try {
            String answer;
            try {
                answer = answer(read(client), peer(client));
            } catch (IllegalArgumentException e) {
                answer = REFUSED + text(ReferenceServer.oneLine(e)) + "\n";
            }
            write(client, answer);
        } catch (IOException | RejectedExecutionException e) {
            LOG.atDebug().addKeyValue("reason", ReferenceServer.oneLine(e)).log("admin request dropped");
        } finally {
            drop(client);
        }
    }

    /** Reads to the first end of a line; what follows is not looked at. */
    private String read(SocketChannel client) throws IOException {
        ScheduledFuture<?> late = dropLater(client);
        ByteBuffer request = ByteBuffer.allocate(MAX_REQUEST_OCTETS);
        while (request.hasRemaining() && client.read(request) >= 0) {
            for (int i = 0; i < request.position(); i++) {
                if (request.get(i) == '\n') {
                    late.cancel(false);
                    return decode(request.flip().limit(i));
                }
            }
        }
        late.cancel(false);
        throw new IllegalArgumentException(
                "request: no end of line (expected: one line of at most " + MAX_REQUEST_OCTETS + " octets)");
    }

    private static String decode(ByteBuffer octets) {
        try {
            String request = UTF_8.newDecoder().decode(octets).toString();
            if (request.equals(text(request))) {
                return request;
            }
        } catch (CharacterCodingException e) {
            // told below, like control characters
        }
        throw new IllegalArgumentException("request: not text (expected: words in UTF-8)");
    }

    /** Who is at the other end, as the system knows it. */
    private static String peer(SocketChannel client) {
        try {
            return client.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName() + " at the admin socket";
        } catch (IOException | UnsupportedOperationException e) {
            return "admin socket";
        }
    }

    private String answer(String request, String by) {
        try {
            List<String> lines = requests.answer(request, by);
            StringBuilder answer = new StringBuilder(OK).append(lines.size()).append('\n');
            lines.forEach(line -> answer.append(text(line)).append('\n'));
            return answer.toString();
        } catch (IllegalArgumentException e) {
            throw e;
        } catch (Exception e) {
            return FAILED + text(ReferenceServer.oneLine(e)) + "\n";
        }
    }

    /** Primaries have a say in some lines: no escape sequence of theirs gets to the operator's terminal. */
    static String text(String line) {
        return line.replaceAll("\\p{Cntrl}|[\\x80-\\x9f\\u2028\\u2029]", "?");
    }

    private void write(SocketChannel client, String answer) throws IOException {
        ScheduledFuture<?> late = dropLater(client);
        ByteBuffer octets = ByteBuffer.wrap(answer.getBytes(UTF_8));
        while (octets.hasRemaining()) {
            client.write(octets);
        }
        late.cancel(false);
    }

    private ScheduledFuture<?> dropLater(SocketChannel client) {
        return timer.schedule(() -> drop(client), timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void drop(SocketChannel client) {
        clients.remove(client);
        close(client);
    }

    private static void close(Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.atDebug().addKeyValue("reason", ReferenceServer.oneLine(e)).log("admin channel not closed");
        }
    }

    /** Ends it and removes the socket, unless there is another one by now. Requests under way get no answer. */
    @Override
    public void close() {
        close(listener);
        timer.shutdownNow();
        workers.shutdown();
        clients.forEach(this::drop);
        try {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && fileKey(path).equals(file)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            LOG.atWarn().addKeyValue("reason", ReferenceServer.oneLine(e)).log("admin socket not removed");
        }
    }
}
