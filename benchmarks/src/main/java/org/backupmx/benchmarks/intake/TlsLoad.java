package org.backupmx.benchmarks.intake;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * How many messages of 4 KiB a second does a server take from clients that said STARTTLS and keep their connections?
 * smtp-source, which asks this without TLS, has none. It waits for every reply, as smtp-source does.
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.intake.TlsLoad HOST PORT RECIPIENT SESSIONS MESSAGES [plain]}; it sends
 * the messages twice and reports the second time, each over new connections.
 */
public final class TlsLoad {

    private static final byte[] MAIL_DATA =
            (("x".repeat(70) + "\r\n").repeat(57) + ".\r\n").getBytes(StandardCharsets.US_ASCII);

    private final String host;
    private final int port;
    private final String recipient;
    private final boolean tls;
    private final SSLSocketFactory sockets;

    private TlsLoad(String host, int port, String recipient, boolean tls) throws GeneralSecurityException {
        this.host = host;
        this.port = port;
        this.recipient = recipient;
        this.tls = tls;
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Anyone()}, null);
        this.sockets = context.getSocketFactory();
    }

    /**
     * Sends and reports.
     *
     * @param args as above
     * @throws Exception if the server does not take all messages
     */
    public static void main(String[] args) throws Exception {
        if (args.length < 5 || args.length > 6) {
            System.err.println("usage: TlsLoad HOST PORT RECIPIENT SESSIONS MESSAGES [plain]");
            System.exit(2);
        }
        TlsLoad load = new TlsLoad(args[0], Integer.parseInt(args[1]), args[2], args.length == 5);
        int sessions = Integer.parseInt(args[3]);
        int messages = Integer.parseInt(args[4]);
        load.run(sessions, messages);
        System.out.printf("%.0f messages/s, %s%n", load.run(sessions, messages), load.tls ? "STARTTLS" : "plain");
    }

    private double run(int sessions, int messages) throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(sessions);
        try {
            AtomicInteger left = new AtomicInteger(messages);
            long start = System.nanoTime();
            List<Future<Void>> all = new ArrayList<>();
            for (int i = 0; i < sessions; i++) {
                Callable<Void> session = () -> send(left);
                all.add(threads.submit(session));
            }
            for (Future<Void> one : all) {
                one.get();
            }
            return messages * 1e9 / (System.nanoTime() - start);
        } finally {
            threads.shutdown();
        }
    }

    private Void send(AtomicInteger left) throws IOException {
        try (Socket plain = new Socket(host, port);
                Dialogue first = new Dialogue(plain)) {
            first.reply();
            first.say("EHLO client.example");
            if (tls) {
                first.say("STARTTLS");
                try (Socket secured = sockets.createSocket(plain, host, port, true);
                        Dialogue second = new Dialogue(secured)) {
                    second.say("EHLO client.example");
                    transactions(second, left);
                }
            } else {
                transactions(first, left);
            }
        }
        return null;
    }

    private void transactions(Dialogue dialogue, AtomicInteger left) throws IOException {
        while (left.getAndDecrement() > 0) {
            dialogue.say("MAIL FROM:<sender@sender.test>");
            dialogue.say("RCPT TO:<" + recipient + ">");
            dialogue.say("DATA");
            dialogue.say(MAIL_DATA);
        }
        dialogue.say("QUIT");
    }

    private static final class Dialogue implements AutoCloseable {

        private final InputStream in;
        private final OutputStream out;

        Dialogue(Socket socket) throws IOException {
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream());
            out = socket.getOutputStream();
        }

        void say(String line) throws IOException {
            say((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
        }

        void say(byte[] octets) throws IOException {
            out.write(octets);
            out.flush();
            reply();
        }

        /** Reads a whole reply, which must not be negative. */
        void reply() throws IOException {
            StringBuilder line = new StringBuilder();
            do {
                line.setLength(0);
                for (int octet = in.read(); octet != '\n'; octet = in.read()) {
                    if (octet < 0) {
                        throw new EOFException("the server closed the connection");
                    }
                    line.append((char) octet);
                }
            } while (line.length() > 3 && line.charAt(3) == '-');
            if (line.charAt(0) != '2' && line.charAt(0) != '3') {
                throw new IOException("reply: " + line + " (expected: 2yz or 3yz)");
            }
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }

    /** Trusts any certificate: only the work counts here. */
    private static final class Anyone implements X509TrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {
            throw new UnsupportedOperationException("a client only");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {
            // any will do
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
