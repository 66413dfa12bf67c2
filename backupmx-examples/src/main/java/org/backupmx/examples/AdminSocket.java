package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The admin socket on the command line: where it is, and asking the server behind it. */
final class AdminSocket {

    /** The longest path of a socket that Linux takes, in octets. */
    static final int MAX_PATH_OCTETS = 107;

    /** Its name in the directory of a file spool. */
    static final String FILE = "admin.sock";

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Where where;

    /** One of two ways to find the socket. */
    static final class Where {

        @Option(names = "--config", paramLabel = "FILE", description = "The configuration file of the server.")
        private @Nullable Path config;

        @Option(names = "--socket", paramLabel = "PATH", description = "The server's admin socket.")
        private @Nullable Path socket;
    }

    /** Reads {@code admin-socket}, null if the file has none: then it is in the spool's directory, if there is one. */
    static Optional<Path> path(@Nullable ConfigNode node, String spool) throws ConfigException {
        if (node == null) {
            return spool.startsWith("jdbc:")
                    ? Optional.empty()
                    : Optional.of(Path.of(spool, FILE)).filter(AdminSocket::fits);
        }
        return node.value("a path of at most " + MAX_PATH_OCTETS + " octets, or off", text -> {
            if (text.equals("off")) {
                return Optional.empty();
            }
            if (!fits(Path.of(text))) {
                throw new IllegalArgumentException(text);
            }
            return Optional.of(Path.of(text));
        });
    }

    static boolean fits(Path path) {
        return path.toString().getBytes(UTF_8).length <= MAX_PATH_OCTETS;
    }

    /** Asks and waits for the whole answer. Of the arguments none may have a space. */
    List<String> ask(String... words) throws IOException, ConfigException {
        Path path = socket();
        byte[] answer;
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            answer = ask(channel, String.join(" ", words) + "\n");
        } catch (ConnectException | NoSuchFileException e) {
            throw new IOException("admin socket " + path + ": no server is running there");
        } catch (SocketException e) {
            throw new IOException("admin socket " + path + ": "
                    + (Files.exists(path) ? e.getMessage() : "no server is running there"));
        }
        return lines(path, new String(answer, UTF_8));
    }

    /** Returns a word of a request, or says that it is none. */
    static String word(CommandSpec spec, String name, String text) {
        if (text.isEmpty() || !text.chars().allMatch(c -> c > ' ' && c != 0x7f)) {
            throw new ParameterException(spec.commandLine(), name + ": \"" + text + "\" is not a word");
        }
        return text;
    }

    /** Reads a time of the command line. */
    static Instant time(CommandSpec spec, String name, String text, Instant now) {
        try {
            return Units.instant(text, now);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), name + ": \"" + text + "\" is not " + Units.TIME);
        }
    }

    private Path socket() throws IOException, ConfigException {
        if (where.socket != null) {
            if (!fits(where.socket)) {
                throw new ConfigException(
                        "--socket: longer than " + MAX_PATH_OCTETS + " octets (expected: a shorter path)");
            }
            return where.socket;
        }
        Path config = Objects.requireNonNull(where.config);
        return ServerConfig.read(config)
                .adminSocket()
                .orElseThrow(() -> new ConfigException(config + ": no admin socket (expected: admin-socket: PATH)"));
    }

    /** A busy server answers and closes without reading, so a fault matters only if there is no answer. */
    private static byte[] ask(SocketChannel channel, String request) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        @Nullable IOException fault = null;
        try {
            channel.write(ByteBuffer.wrap(request.getBytes(UTF_8)));
        } catch (IOException e) {
            fault = e;
        }
        try {
            ByteBuffer piece = ByteBuffer.allocate(1 << 16);
            while (channel.read(piece) >= 0) {
                answer.write(piece.array(), 0, piece.position());
                piece.clear();
            }
        } catch (IOException e) {
            fault = e;
        }
        if (fault != null && answer.size() == 0) {
            throw fault;
        }
        return answer.toByteArray();
    }

    private static List<String> lines(Path path, String answer) throws IOException, ConfigException {
        List<String> lines = answer.lines().toList();
        String status = lines.isEmpty() ? "" : lines.get(0);
        if (status.startsWith(AdminServer.REFUSED)) {
            throw new ConfigException(status.substring(AdminServer.REFUSED.length()));
        }
        if (status.startsWith(AdminServer.FAILED)) {
            throw new IOException(status.substring(AdminServer.FAILED.length()));
        }
        if (!status.equals(AdminServer.OK + (lines.size() - 1))) {
            throw new IOException("admin socket " + path + ": the answer is cut (expected: it to be whole)");
        }
        return lines.subList(1, lines.size());
    }
}
