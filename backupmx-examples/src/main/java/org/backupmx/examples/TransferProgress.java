package org.backupmx.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.backupmx.spool.transfer.TransferWatcher;

/**
 * Shows how far an export or import is, once it has taken 2 seconds: on a terminal one line that changes, elsewhere a line
 * every 5 seconds. Told to stop by another thread, it ends the run after the messages under way. Faults are shown at once.
 */
final class TransferProgress implements TransferWatcher {

    private static final long SILENT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final long TERMINAL_NANOS = Duration.ofMillis(200).toNanos();
    private static final long LINE_NANOS = Duration.ofSeconds(5).toNanos();

    private final String verb;
    private final long total;
    private final PrintWriter err;
    private final boolean terminal;
    private final LongSupplier nanoTime;
    private final long start;
    private long nextShow;
    private long messages;
    private long bytes;
    private int shownChars;
    private volatile boolean stopping;

    /**
     * Starts the clock.
     *
     * @param verb begins each line
     * @param total how many messages there are
     */
    TransferProgress(String verb, long total, PrintWriter err, boolean terminal, LongSupplier nanoTime) {
        this.verb = verb;
        this.total = total;
        this.err = err;
        this.terminal = terminal;
        this.nanoTime = nanoTime;
        this.start = nanoTime.getAsLong();
        this.nextShow = start + SILENT_NANOS;
    }

    /** Tells whether standard error is a terminal; where that cannot be told, it is none. */
    static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    @Override
    public void transferred(String name, long mailDataBytes) {
        messages++;
        bytes += mailDataBytes;
        long now = nanoTime.getAsLong();
        if (now - nextShow >= 0) {
            show(now);
            nextShow = now + (terminal ? TERMINAL_NANOS : LINE_NANOS);
        }
    }

    private void show(long now) {
        double seconds = (now - start) / 1e9;
        double rate = messages / seconds;
        long left = (long) Math.ceil(Math.max(0, total - messages) / rate);
        String line = String.format(
                Locale.ROOT,
                "%s: %d of %d messages, %.1f MB, %.0f messages/s, %s left",
                verb,
                messages,
                Math.max(total, messages),
                bytes / 1e6,
                rate,
                duration(left));
        if (terminal) {
            err.print("\r" + line + " ".repeat(Math.max(0, shownChars - line.length())));
            err.flush();
            shownChars = line.length();
        } else {
            err.println(line);
            err.flush();
        }
    }

    private static String duration(long seconds) {
        return seconds < 60
                ? seconds + "s"
                : seconds < 3600
                        ? String.format("%dm%02ds", seconds / 60, seconds % 60)
                        : String.format("%dh%02dm", seconds / 3600, seconds / 60 % 60);
    }

    @Override
    public void failed(String name, String reason) {
        clear();
        err.println(verb + ": message " + name + ": " + reason.replaceAll("\\s+", " "));
        err.flush();
    }

    /** Takes the changing line away. */
    void clear() {
        if (shownChars > 0) {
            err.print("\r" + " ".repeat(shownChars) + "\r");
            err.flush();
            shownChars = 0;
        }
    }

    /** Ends the run after the messages under way. */
    void stop() {
        stopping = true;
    }

    @Override
    public boolean goesOn() {
        return !stopping;
    }
}
