package org.backupmx.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.backupmx.spool.file.SpoolInspector;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Runs the main job on loopback: the primary is down, mail is accepted and queued, the server is killed and started
 * again, the primary comes up, and every message arrives octet for octet.
 */
@Command(
        name = "demo",
        description =
                "Runs the main job on loopback: accepts mail while the primary is down, survives a kill, delivers.",
        mixinStandardHelpOptions = true)
final class Demo implements Callable<Integer> {

    private static final long DRAIN_SECONDS = 120;

    @Option(names = "--messages", description = "How many messages to send (default: ${DEFAULT-VALUE}).")
    private int messages = 200;

    @Option(names = "--seed", description = "Seed of the messages' content (default: ${DEFAULT-VALUE}).")
    private long seed = 5321;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (messages < 1 || messages > 100_000) {
            throw new ParameterException(spec.commandLine(), "--messages: " + messages + " is not 1 to 100000");
        }
        Path folder = Files.createTempDirectory("backupmx-demo");
        try {
            return run(folder) ? 0 : 1;
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(Demo::delete);
            }
        }
    }

    private boolean run(Path folder) throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        InetAddress loopback = InetAddress.getLoopbackAddress();
        InetSocketAddress primaryAddress = new InetSocketAddress(loopback, freePort(loopback));
        Path config = folder.resolve("server.yaml");
        Path spool = folder.resolve("spool");
        Files.writeString(config, """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%s"
                domains:
                  example.test:
                    primary: 127.0.0.1:%d
                probe: {up: 8m, down: 1s, rise: 1, fall: 1}
                """.formatted(spool.toString().replace("\\", "\\\\"), primaryAddress.getPort()));

        Map<String, byte[]> sent = compose();
        out.println("1/6  The primary, 127.0.0.1:" + primaryAddress.getPort() + ", is down. Starting the backup MX …");
        ServerProcess server = ServerProcess.start(config);
        try {
            out.println("     It listens on " + server.endpoint() + ", pid " + server.pid() + ".");
            long sending = System.nanoTime();
            send(out, sent, server.address());
            double sendSeconds = seconds(sending);

            out.println("3/6  Killing the server (SIGKILL) …");
            server.kill();
            long queued = SpoolInspector.describe(spool).messages();
            out.println("     Its spool holds " + queued + " messages.");
            out.println("4/6  Starting it again …");
            server = ServerProcess.start(config);
            out.println("     It listens on " + server.endpoint() + ", pid " + server.pid() + ".");

            DemoPrimary primary = new DemoPrimary(primaryAddress);
            out.println("5/6  Starting the primary …");
            long draining = System.nanoTime();
            primary.start();
            try {
                double drainSeconds = awaitAll(out, primary, sent.size(), draining);
                out.println("6/6  Comparing octet for octet …");
                return summary(out, sent, primary, queued, sendSeconds, drainSeconds);
            } finally {
                primary.stop();
            }
        } finally {
            server.kill();
        }
    }

    private Map<String, byte[]> compose() {
        Random random = new Random(seed);
        Map<String, byte[]> sent = new LinkedHashMap<>();
        for (int i = 1; i <= messages; i++) {
            StringBuilder text = new StringBuilder("From: demo@sender.test\r\nTo: user" + i + "@example.test\r\n"
                    + "Subject: message " + i + "\r\nMessage-ID: <" + i + "." + seed + "@sender.test>\r\n\r\n");
            int lines = 1 + random.nextInt(60);
            for (int line = 0; line < lines; line++) {
                // Dots at line starts, 8-bit octets and lines over 998 octets must all come through.
                text.append(line % 7 == 0 ? ".." : line % 5 == 0 ? "." : "");
                int length = random.nextInt(50) == 0 ? 1500 : random.nextInt(76);
                for (int c = 0; c < length; c++) {
                    text.append(
                            (char) (random.nextInt(20) == 0 ? 0xa0 + random.nextInt(0x60) : 'a' + random.nextInt(26)));
                }
                text.append("\r\n");
            }
            sent.put("user" + i + "@example.test", text.toString().getBytes(StandardCharsets.ISO_8859_1));
        }
        return sent;
    }

    private static void send(PrintWriter out, Map<String, byte[]> sent, InetSocketAddress server) throws IOException {
        out.println("2/6  Sending " + sent.size() + " messages by SMTP …");
        try (SmtpDialogue dialogue = new SmtpDialogue(server)) {
            int done = 0;
            String reply = "";
            for (Map.Entry<String, byte[]> message : sent.entrySet()) {
                reply = dialogue.send("demo@sender.test", message.getKey(), message.getValue());
                if (++done % Math.max(1, sent.size() / 4) == 0) {
                    out.println("     " + done + " of " + sent.size() + " accepted, last reply: " + reply);
                }
            }
        }
    }

    private static double awaitAll(PrintWriter out, DemoPrimary primary, int expected, long since) {
        int told = -1;
        while (primary.messages().size() < expected && seconds(since) < DRAIN_SECONDS) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            int arrived = primary.messages().size();
            if (arrived * 4 / expected > told * 4 / expected) {
                told = arrived;
                out.printf(
                        "     %d of %d arrived, %.1f s after the primary's start%n", arrived, expected, seconds(since));
            }
        }
        return seconds(since);
    }

    private static boolean summary(
            PrintWriter out,
            Map<String, byte[]> sent,
            DemoPrimary primary,
            long queued,
            double sendSeconds,
            double drainSeconds) {
        int identical = 0;
        for (Map.Entry<String, byte[]> message : sent.entrySet()) {
            byte[] arrived = primary.messages().get(message.getKey());
            if (arrived != null && Arrays.equals(message.getValue(), withoutFirstField(arrived))) {
                identical++;
            }
        }
        int total = sent.size();
        out.printf("%n     accepted with 250        %6d   in %.2f s%n", total, sendSeconds);
        out.printf("     in the spool after kill  %6d%n", queued);
        out.printf(
                "     arrived octet for octet  %6d   in %.2f s after the primary's start%n", identical, drainSeconds);
        out.printf("     lost or changed          %6d%n", total - identical);
        out.printf(
                "     duplicates               %6d%n",
                primary.received() - primary.messages().size());
        out.println(identical == total ? "All of it arrived." : "NOT all of it arrived.");
        return identical == total;
    }

    /** Takes off the Received field that the backup MX put on top: the first line and those folded under it. */
    static byte[] withoutFirstField(byte[] mailData) {
        int at = 0;
        do {
            while (at < mailData.length && mailData[at] != '\n') {
                at++;
            }
            at++;
        } while (at < mailData.length && (mailData[at] == ' ' || mailData[at] == '\t'));
        return at >= mailData.length ? new byte[0] : Arrays.copyOfRange(mailData, at, mailData.length);
    }

    private static int freePort(InetAddress address) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, address)) {
            return socket.getLocalPort();
        }
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private static void delete(Path path) {
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
