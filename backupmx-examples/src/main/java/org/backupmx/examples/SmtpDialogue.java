package org.backupmx.examples;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A plain SMTP client over a socket, one command and one reply at a time, for the demo. */
final class SmtpDialogue implements AutoCloseable {

    private static final int TIMEOUT_MILLIS = 30_000;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    SmtpDialogue(InetSocketAddress server) throws IOException {
        socket = new Socket();
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.connect(server, TIMEOUT_MILLIS);
        in = new BufferedInputStream(socket.getInputStream());
        out = new BufferedOutputStream(socket.getOutputStream());
        expect(2);
        command("EHLO demo.test", 2);
    }

    /** Sends one message and returns the reply to its end of data, which is 250 if we get here. */
    String send(String reversePath, String forwardPath, byte[] mailData) throws IOException {
        command("MAIL FROM:<" + reversePath + "> BODY=8BITMIME", 2);
        command("RCPT TO:<" + forwardPath + ">", 2);
        command("DATA", 3);
        boolean lineStart = true;
        for (byte octet : mailData) {
            if (lineStart && octet == '.') {
                out.write('.');
            }
            out.write(octet);
            lineStart = octet == '\n';
        }
        out.write(".\r\n".getBytes(StandardCharsets.US_ASCII));
        return expect(2);
    }

    private void command(String line, int replyClass) throws IOException {
        out.write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
        expect(replyClass);
    }

    private String expect(int replyClass) throws IOException {
        out.flush();
        String line;
        do {
            line = line();
        } while (line.length() > 3 && line.charAt(3) == '-');
        if (line.isEmpty() || line.charAt(0) != '0' + replyClass) {
            throw new IOException("reply: " + line + " (expected: " + replyClass + "yz)");
        }
        return line;
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the server closed the connection");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
