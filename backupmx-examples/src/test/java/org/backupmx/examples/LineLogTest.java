package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

class LineLogTest {

    private final LinkedBlockingQueue<String> writes = new LinkedBlockingQueue<>();
    private final LoggerContext context = new LoggerContext();
    private final LineLog log = new LineLog(new PrintStream(
            new ByteArrayOutputStream() {
                @Override
                public void flush() {
                    if (size() > 0) {
                        writes.add(toString(StandardCharsets.UTF_8));
                        reset();
                    }
                }
            },
            false,
            StandardCharsets.UTF_8));

    @BeforeEach
    void start() {
        log.setContext(context);
        log.start();
    }

    @AfterEach
    void stop() {
        log.stop();
    }

    private LoggingEvent event(String logger, Level level, String phrase, Throwable fault) {
        Logger from = context.getLogger(logger);
        LoggingEvent event = new LoggingEvent(getClass().getName(), from, level, phrase, fault, null);
        event.setInstant(Instant.parse("2026-11-22T18:33:56.007Z"));
        return event;
    }

    @Test
    void aLineHasTimeLevelPhraseAndPairs() {
        LoggingEvent event = event("org.backupmx.spool", Level.INFO, "spool opened", null);
        event.addKeyValuePair(new KeyValuePair("directory", "/tmp/ü"));
        event.addKeyValuePair(new KeyValuePair("messages", 0));
        log.doAppend(event);
        assertThat(writes)
                .containsExactly("2026-11-22T18:33:56.007Z INFO  spool opened directory=\"/tmp/ü\" messages=\"0\"\n");
    }

    @Test
    void aFaultIsToldShortly() {
        log.doAppend(event("org.backupmx.spool", Level.ERROR, "spool failed", new IllegalStateException("no disk")));
        assertThat(writes.poll())
                .startsWith("2026-11-22T18:33:56.007Z ERROR spool failed\njava.lang.IllegalStateException: no disk");
    }

    @Test
    void anEventWaitsAndLeavesByItself() throws InterruptedException {
        log.doAppend(event("org.backupmx", Level.INFO, "message accepted", null));
        assertThat(writes.poll(10, TimeUnit.SECONDS)).isEqualTo("2026-11-22T18:33:56.007Z INFO  message accepted\n");
        // and again, when the flusher has rested
        log.doAppend(event("org.backupmx", Level.INFO, "mail refused", null));
        assertThat(writes.poll(10, TimeUnit.SECONDS)).isEqualTo("2026-11-22T18:33:56.007Z INFO  mail refused\n");
    }

    @Test
    void whatMayNotWaitTakesAlongWhatWaits() {
        log.doAppend(event("org.backupmx", Level.INFO, "message accepted", null));
        log.doAppend(event("org.backupmx", Level.WARN, "recipient failed", null));
        assertThat(String.join("", writes))
                .isEqualTo(
                        "2026-11-22T18:33:56.007Z INFO  message accepted\n2026-11-22T18:33:56.007Z WARN  recipient failed\n");
    }

    @Test
    void theEndWritesWhatWaits() {
        log.doAppend(event("org.backupmx", Level.INFO, "message accepted", null));
        log.stop();
        assertThat(String.join("", writes)).isEqualTo("2026-11-22T18:33:56.007Z INFO  message accepted\n");
    }

    @Test
    void manyEventsLeaveInFewWrites() {
        for (int i = 0; i < 1000; i++) {
            log.doAppend(event("org.backupmx", Level.INFO, "message accepted", null));
        }
        log.stop();
        assertThat(String.join("", writes).lines()).hasSize(1000);
        assertThat(writes).hasSizeLessThan(100);
    }
}
