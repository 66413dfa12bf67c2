package org.backupmx.smtp.testing;

import io.netty.util.NetUtil;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.SmtpListener;
import org.jspecify.annotations.Nullable;

/**
 * An SMTP dialogue in a file. Lines are:
 *
 * <pre>
 * # a comment; the first names the RFC section
 * % option value
 * C: a line of the client, which gets CRLF
 * C&gt; octets of the client, escaped: \r \n \t \\ \xNN
 * S: the beginning of a line of the server
 * S. the server closes
 * I: whom the intake takes for the client in the end: remote local name login, the last two if told
 * M: reverse-path -&gt; forward-path, forward-path: "mail data, escaped"
 * </pre>
 *
 * <p>The reply to EHLO may have more keywords than the S lines say, so that an extension does not touch every file.
 * Neighbouring C lines are sent as one group. M lines tell what has been accepted in the end.
 */
public final class Transcript {

    /** The lines of a server. */
    public interface Lines {
        /** Returns the next line, null at the end. */
        @Nullable
        String next() throws IOException;
    }

    /** A group of octets that the client sends, then what the server answers to it. */
    public record Step(String sent, List<String> replies, boolean closes) {

        /** What is sent, one octet for each character of {@link #sent()}. */
        public byte[] octets() {
            return sent.getBytes(StandardCharsets.ISO_8859_1);
        }

        /** Reads what the server said, no further than it has to say, and tells whether it is that. */
        public boolean isAnsweredBy(Lines said) throws IOException {
            boolean keywords = false;
            for (String reply : replies) {
                String line = said.next();
                while (keywords && line != null && line.startsWith("250-") && !begins(line, reply)) {
                    line = said.next();
                }
                if (line == null || !(keywords ? begins(line, reply) : line.startsWith(reply))) {
                    return false;
                }
                while (keywords && reply.startsWith("250 ") && line != null && line.startsWith("250-")) {
                    line = said.next();
                }
                keywords = reply.startsWith("250-");
            }
            return true;
        }

        /** Without the mark of the last line, which may be further on. */
        private static boolean begins(String line, String reply) {
            return line.startsWith("250") && line.substring(4).startsWith(reply.substring(4));
        }
    }

    private final String name;
    private final String about;
    private final Map<String, String> options = new HashMap<>();
    private final List<Step> steps = new ArrayList<>();
    private final List<String> messages = new ArrayList<>();
    private String client = "";

    private Transcript(String name, List<String> lines) {
        this.name = name;
        this.about = lines.get(0);
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        List<String> replies = new ArrayList<>();
        boolean closes = false;
        for (String line : lines) {
            boolean fromClient = line.startsWith("C");
            if (fromClient && (!replies.isEmpty() || closes)) {
                steps.add(new Step(sent.toString(StandardCharsets.ISO_8859_1), List.copyOf(replies), closes));
                sent.reset();
                replies.clear();
            }
            if (line.startsWith("C: ")) {
                sent.writeBytes((line.substring(3) + "\r\n").getBytes(StandardCharsets.UTF_8));
            } else if (line.equals("C:")) {
                sent.writeBytes(new byte[] {'\r', '\n'});
            } else if (line.startsWith("C> ")) {
                sent.writeBytes(unescape(line.substring(3)));
            } else if (line.startsWith("S: ")) {
                replies.add(line.substring(3));
            } else if (line.equals("S.")) {
                closes = true;
            } else if (line.startsWith("M: ")) {
                messages.add(line.substring(3));
            } else if (line.startsWith("I: ")) {
                client = line.substring(3);
            } else if (line.startsWith("% ")) {
                String[] option = line.substring(2).split(" ", 2);
                options.put(option[0], option.length > 1 ? option[1] : "");
            } else if (!line.isBlank() && !line.startsWith("#")) {
                throw new IllegalArgumentException(name + ": " + line + " (expected: #, %, C:, C>, S:, S., I: or M:)");
            }
        }
        steps.add(new Step(sent.toString(StandardCharsets.ISO_8859_1), List.copyOf(replies), closes));
    }

    /** Reads a transcript. */
    public static Transcript read(Path file) {
        try {
            return new Transcript(file.getFileName().toString(), Files.readAllLines(file));
        } catch (IOException e) {
            throw new IllegalStateException("transcript: " + file + " (expected: a readable file)", e);
        }
    }

    /** Reads all transcripts of a directory, in the order of their names. */
    public static List<Transcript> readAll(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".smtp"))
                    .sorted()
                    .map(Transcript::read)
                    .toList();
        } catch (IOException e) {
            throw new IllegalStateException("transcripts: " + directory + " (expected: a readable directory)", e);
        }
    }

    /** The file's name. */
    public String name() {
        return name;
    }

    /** The first comment. */
    public String about() {
        return about;
    }

    /** The dialogue. */
    public List<Step> steps() {
        return List.copyOf(steps);
    }

    /** Whether an option is there. */
    public boolean has(String option) {
        return options.containsKey(option);
    }

    /** An option's value, or {@code otherwise}. */
    public String option(String option, String otherwise) {
        return options.getOrDefault(option, otherwise);
    }

    /** What is accepted in the end, in the form of {@link #describe}. */
    public List<String> messages() {
        return List.copyOf(messages);
    }

    /** Whom the intake takes for the client in the end, in the form of {@link #describe(ClientInfo)}; may be empty. */
    public String client() {
        return client;
    }

    /** The listener as the options ask for it, with trust in the network of the client. */
    public SmtpListener listener(SmtpListener plain, IpNetwork network) {
        SmtpListener proxied = has("proxy") ? plain.proxyNetworks(network) : plain;
        SmtpListener trusting = has("xclient") ? proxied.xclientNetworks(network) : proxied;
        return trusting.acceptsMail(!has("no-mail"));
    }

    /** Writes a client as an I line does. */
    public static String describe(ClientInfo client) {
        return Stream.of(
                        Stream.of(client.remote(), client.local()).map(Transcript::describe),
                        client.name().stream(),
                        client.login().stream())
                .flatMap(part -> part)
                .collect(Collectors.joining(" "));
    }

    private static String describe(InetSocketAddress address) {
        return NetUtil.toSocketAddressString(address);
    }

    /** How many octets the client sends. */
    public int sentOctets() {
        return steps.stream().mapToInt(step -> step.sent().length()).sum();
    }

    /** Writes a message as an M line does. */
    public static String describe(ScriptedIntake.Received message) {
        return message.reversePath() + " -> "
                + message.forwardPaths().stream().collect(Collectors.joining(", ")) + ": \""
                + escape(message.mailData().getBytes(StandardCharsets.ISO_8859_1)) + "\"";
    }

    private static String escape(byte[] octets) {
        StringBuilder out = new StringBuilder();
        for (byte octet : octets) {
            switch (octet) {
                case '\r' -> out.append("\\r");
                case '\n' -> out.append("\\n");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (octet >= ' ' && octet < 0x7f) {
                        out.append((char) octet);
                    } else {
                        out.append(String.format("\\x%02x", octet));
                    }
                }
            }
        }
        return out.toString();
    }

    private static byte[] unescape(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < octets.length; i++) {
            if (octets[i] != '\\') {
                out.write(octets[i]);
                continue;
            }
            switch (octets[++i]) {
                case 'r' -> out.write('\r');
                case 'n' -> out.write('\n');
                case 't' -> out.write('\t');
                case '\\' -> out.write('\\');
                case 'x' -> {
                    out.write(Integer.parseInt(new String(octets, i + 1, 2, StandardCharsets.US_ASCII), 16));
                    i += 2;
                }
                case '*' -> {
                    // \*NNNNNc: the octet c, NNNNN times
                    int count = Integer.parseInt(new String(octets, i + 1, 5, StandardCharsets.US_ASCII));
                    for (int n = 0; n < count; n++) {
                        out.write(octets[i + 6]);
                    }
                    i += 6;
                }
                default -> throw new IllegalArgumentException("escape in: " + text);
            }
        }
        return out.toByteArray();
    }

    @Override
    public String toString() {
        return name;
    }
}
