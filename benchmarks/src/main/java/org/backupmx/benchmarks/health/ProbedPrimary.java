package org.backupmx.benchmarks.health;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A primary on every loopback address that answers as Postfix does and takes no mail. Its threads are named
 * {@code primary-n}.
 */
final class ProbedPrimary implements AutoCloseable {

    private static final int BACKLOG = 4096;

    private static final String EHLO = String.join(
                    "\r\n250-",
                    "250-primary.test",
                    "PIPELINING",
                    "SIZE 62914560",
                    "ETRN",
                    "STARTTLS",
                    "ENHANCEDSTATUSCODES",
                    "8BITMIME",
                    "DSN",
                    "SMTPUTF8")
            + "\r\n250 CHUNKING\r\n";

    private final ServerSocket listening = new ServerSocket();
    private final AtomicInteger threads = new AtomicInteger();
    // a thread that ended would take the count of its CPU with it
    private final ExecutorService sessions =
            new ThreadPoolExecutor(0, Integer.MAX_VALUE, 1, TimeUnit.DAYS, new SynchronousQueue<>(), this::thread);
    private final AtomicInteger farewells = new AtomicInteger();
    private final @Nullable SSLContext tls;

    /** Starts, with a key for STARTTLS or without. */
    ProbedPrimary(@Nullable SSLContext tls) throws IOException {
        this.tls = tls;
        listening.bind(new InetSocketAddress(0), BACKLOG);
        sessions.execute(this::accept);
    }

    private Thread thread(Runnable task) {
        Thread thread = new Thread(task, "primary-" + threads.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    }

    /** Reads a key and its certificate from a PKCS#12 file. */
    static SSLContext key(Path file, String password) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, password.toCharArray());
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Returns how many sessions have ended with QUIT. */
    int farewells() {
        return farewells.get();
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                sessions.execute(() -> serve(socket));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            say(socket, "220 primary.test ESMTP Postfix\r\n");
            if (dialogue(socket) && tls != null) {
                try (SSLSocket secured = (SSLSocket) tls.getSocketFactory().createSocket(socket, null, true)) {
                    secured.setUseClientMode(false);
                    dialogue(secured);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("a probe broke off", e);
        }
    }

    /** Answers until QUIT, or returns true after 220 to STARTTLS. */
    private boolean dialogue(Socket socket) throws IOException {
        InputStream in = new BufferedInputStream(socket.getInputStream());
        while (true) {
            String verb = verb(in);
            say(socket, reply(verb));
            if (verb.equals("QUIT")) {
                farewells.incrementAndGet();
                return false;
            }
            if (verb.equals("STARTTLS") && tls != null) {
                return true;
            }
        }
    }

    private String reply(String verb) {
        return switch (verb) {
            case "EHLO" -> EHLO;
            case "STARTTLS" -> tls == null ? "454 4.7.0 TLS not available\r\n" : "220 2.0.0 Ready to start TLS\r\n";
            case "MAIL", "RSET" -> "250 2.1.0 Ok\r\n";
            case "RCPT" -> "250 2.1.5 Ok\r\n";
            case "QUIT" -> "221 2.0.0 Bye\r\n";
            default -> "502 5.5.2 Error: command not recognized\r\n"; // DATA, too
        };
    }

    private static String verb(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new IOException("closed without QUIT");
            }
            line.append((char) octet);
        }
        return line.toString().strip().split(" ", 2)[0].toUpperCase(Locale.ROOT);
    }

    private static void say(Socket socket, String text) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    @Override
    public void close() throws IOException {
        listening.close();
        sessions.shutdownNow();
    }
}
