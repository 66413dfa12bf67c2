package org.backupmx.examples;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.event.KeyValuePair;

/**
 * Writes the log to standard output, one line an event: time in UTC, level, phrase, then {@code name="value"}; after it a
 * short trace where there is one.
 *
 * <p>There is a line for every message, so lines of INFO from the logger of events ({@code org.backupmx}) may wait for
 * each other for {@value #PATIENCE_MILLIS} ms and leave in one write; any other line leaves at once, and takes along what
 * waits. Thread-safe.
 */
public final class LineLog extends UnsynchronizedAppenderBase<ILoggingEvent> {

    /** How long a line may wait, in milliseconds: {@value}. */
    static final int PATIENCE_MILLIS = 100;

    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    private static final String EVENTS = "org.backupmx";
    private static final int FULL_CHARS = 8 * 1024;
    private static final DateTimeFormatter SECONDS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.").withZone(ZoneOffset.UTC);

    private final OutputStream out;
    private final ThrowableProxyConverter traces = new ThrowableProxyConverter();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition waiting = lock.newCondition(); // lines begin to wait

    // guarded by lock
    private final StringBuilder lines = new StringBuilder(FULL_CHARS + 1024);
    private long second = Long.MIN_VALUE;
    private String secondText = "";

    /** Logs to standard output. */
    public LineLog() {
        this(System.out);
    }

    LineLog(PrintStream out) {
        this.out = out;
        traces.setOptionList(List.of("short"));
    }

    @Override
    public void start() {
        traces.start();
        super.start();
        Thread flusher = new Thread(this::flushAgainAndAgain, "log-flush");
        flusher.setDaemon(true);
        flusher.start();
    }

    @Override
    public void stop() {
        super.stop();
        lock.lock();
        try {
            flush();
            waiting.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    protected void append(ILoggingEvent event) {
        boolean mayWait =
                event.getLevel() == Level.INFO && event.getLoggerName().equals(EVENTS);
        lock.lock();
        try {
            boolean first = lines.isEmpty();
            line(event);
            if (!mayWait || lines.length() >= FULL_CHARS) {
                flush();
            } else if (first) {
                waiting.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    private void line(ILoggingEvent event) {
        time(event.getTimeStamp());
        String level = event.getLevel().toString();
        lines.append(level).append(" ".repeat(Math.max(1, 6 - level.length())));
        lines.append(event.getFormattedMessage());
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null) {
            for (int i = 0; i < pairs.size(); i++) {
                KeyValuePair pair = pairs.get(i);
                lines.append(' ')
                        .append(pair.key)
                        .append("=\"")
                        .append(pair.value)
                        .append('"');
            }
        }
        lines.append('\n');
        if (event.getThrowableProxy() != null) {
            lines.append(traces.convert(event));
        }
    }

    private void time(long millis) {
        long now = Math.floorDiv(millis, 1000L);
        if (now != second) {
            second = now;
            secondText = SECONDS.format(Instant.ofEpochSecond(now));
        }
        int rest = (int) Math.floorMod(millis, 1000L);
        lines.append(secondText)
                .append((char) ('0' + rest / 100))
                .append((char) ('0' + rest / 10 % 10))
                .append((char) ('0' + rest % 10))
                .append("Z ");
    }

    /** Writes what waits; a log that cannot be written must not stop the mail. */
    private void flush() {
        if (!lines.isEmpty()) {
            byte[] octets = lines.toString().getBytes(StandardCharsets.UTF_8);
            lines.setLength(0);
            try {
                out.write(octets);
                out.flush();
            } catch (IOException e) {
                addError("log not written", e);
            }
        }
    }

    private void flushAgainAndAgain() {
        lock.lock();
        try {
            while (isStarted()) {
                if (lines.isEmpty()) {
                    waiting.await();
                } else if (waiting.awaitNanos(PATIENCE_NANOS) <= 0) {
                    flush();
                }
            }
        } catch (InterruptedException e) {
            flush(); // nobody interrupts it; the lines leave with the next that may not wait
        } finally {
            lock.unlock();
        }
    }
}
