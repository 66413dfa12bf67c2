package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

/** One connection to a server, from a loopback address of its own choice. */
final class LoopbackClient implements AutoCloseable {
    private final Socket socket = new Socket();
    private final InputStream in;

    /** Connects from 127.0.3.1 to 127.0.3.100, by number. */
    LoopbackClient(InetSocketAddress server, int number) throws IOException {
        this(server, 127, 0, 3, 1 + number % 100);
    }

    LoopbackClient(InetSocketAddress server, int... from) throws IOException {
        byte[] octets = {(byte) from[0], (byte) from[1], (byte) from[2], (byte) from[3]};
        socket.bind(new InetSocketAddress(InetAddress.getByAddress(octets), 0));
        socket.setSoTimeout(20_000);
        socket.connect(server, 20_000);
        in = new BufferedInputStream(socket.getInputStream(), 512);
    }

    /** Reads one reply and returns its last line; "" at the end. */
    String reply() throws IOException {
        StringBuilder line = new StringBuilder();
        do {
            line.setLength(0);
            int octet = in.read();
            while (octet >= 0 && octet != '\n') {
                line.append((char) octet);
                octet = in.read();
            }
        } while (line.length() > 3 && line.charAt(3) == '-');
        return line.toString();
    }

    void expect(String start) throws IOException {
        assertThat(reply()).startsWith(start);
    }

    void say(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(US_ASCII));
    }

    void ask(String command, String reply) throws IOException {
        say(command + "\r\n");
        expect(reply);
    }

    OutputStream out() throws IOException {
        return socket.getOutputStream();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
