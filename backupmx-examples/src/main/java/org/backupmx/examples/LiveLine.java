package org.backupmx.examples;

import java.io.PrintWriter;
import java.time.Duration;

/** A line that changes in place on a terminal; elsewhere, a line now and then, the first after a while. */
final class LiveLine {

    private final PrintWriter err;
    private final boolean terminal;
    private final long everyNanos;
    private long next;
    private int shownChars;

    LiveLine(PrintWriter err, boolean terminal, Duration every) {
        this.err = err;
        this.terminal = terminal;
        this.everyNanos = every.toNanos();
        this.next = System.nanoTime() + everyNanos;
    }

    void show(String line) {
        if (terminal) {
            err.print("\r" + line + " ".repeat(Math.max(0, shownChars - line.length())));
            err.flush();
            shownChars = line.length();
        } else if (System.nanoTime() - next >= 0) {
            err.println(line);
            err.flush();
            next = System.nanoTime() + everyNanos;
        }
    }

    /** Takes the changing line away. */
    void clear() {
        if (shownChars > 0) {
            err.print("\r" + " ".repeat(shownChars) + "\r");
            err.flush();
            shownChars = 0;
        }
    }
}
