package org.backupmx.benchmarks.intake;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.spool.file.FileSpool;

/**
 * A server over a file spool, and one client that keeps its connection and waits for every reply. The client's part
 * allocates nothing, so what is allocated while it sends is the server's.
 */
final class Loopback implements AutoCloseable {

    private static final int CR = '\r';

    private final Path directory;
    private final FileSpool spool;
    private final SmtpServer server;
    private final SocketChannel client;
    private final ByteBuffer replies = ByteBuffer.allocateDirect(4096);
    private final List<ByteBuffer> dialogue;

    /** Opens all and says EHLO. */
    Loopback(int messageBytes) throws IOException {
        directory = Files.createTempDirectory("intake");
        spool = FileSpool.builder(directory.resolve("spool"))
                .minimumFreeBytes(256L << 20)
                .minimumFreePercent(0)
                .open();
        server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        server.start(new SpoolIntake(spool)).toCompletableFuture().join();
        client = SocketChannel.open(server.addresses().get(0));
        dialogue = List.of(
                octets("MAIL FROM:<sender@example.net>\r\n"),
                octets("RCPT TO:<user@example.org>\r\n"),
                octets("DATA\r\n"),
                octets(("x".repeat(70) + "\r\n").repeat(Math.max(1, messageBytes / 72)) + ".\r\n"));
        readReply(); // the banner
        say(octets("EHLO client.example\r\n"));
    }

    private static ByteBuffer octets(String text) {
        byte[] octets = text.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocateDirect(octets.length).put(octets).flip();
    }

    /** Sends one message; returns when it is durable. */
    void send() throws IOException {
        for (int i = 0; i < dialogue.size(); i++) {
            say(dialogue.get(i));
        }
    }

    private void say(ByteBuffer octets) throws IOException {
        octets.rewind();
        while (octets.hasRemaining()) {
            client.write(octets);
        }
        readReply();
    }

    /** Reads up to the end of a reply that is not negative. */
    private void readReply() throws IOException {
        replies.clear();
        while (!isWhole()) {
            if (client.read(replies) < 0) {
                throw new EOFException("the server closed the connection");
            }
        }
        int code = replies.get(0);
        if (code != '2' && code != '3') {
            throw new IOException("reply: "
                    + StandardCharsets.US_ASCII
                            .decode(replies.flip())
                            .toString()
                            .trim() + " (expected: 2yz or 3yz)");
        }
    }

    /** Tells whether the last line there is is a last line: a space behind its code. */
    private boolean isWhole() {
        int end = replies.position();
        if (end < 6 || replies.get(end - 1) != '\n' || replies.get(end - 2) != CR) {
            return false;
        }
        int start = end - 2;
        while (start > 0 && replies.get(start - 1) != '\n') {
            start--;
        }
        return replies.get(start + 3) == ' ';
    }

    @Override
    public void close() throws IOException {
        client.close();
        server.stop(Duration.ZERO).toCompletableFuture().join();
        spool.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
