package org.backupmx.smtp.testing;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.simple.SimpleLogger;

/** What one class logs while this is open, as slf4j-simple writes it to standard error; for tests that run alone. */
public final class CapturedLog implements AutoCloseable {

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final PrintStream standardError = System.err;
    private final SimpleLogger logger;
    private final Field level;
    private final int levelBefore;

    /** Begins to capture what {@code type} logs at {@code at} and above. */
    public CapturedLog(Class<?> type, Level at) throws ReflectiveOperationException {
        logger = (SimpleLogger) LoggerFactory.getLogger(type);
        level = SimpleLogger.class.getDeclaredField("currentLogLevel");
        level.setAccessible(true);
        levelBefore = level.getInt(logger);
        level.setInt(logger, at.toInt());
        System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    }

    /** Returns the lines written since this was last asked, however a terminal would break them. */
    public List<String> lines() {
        String all = written.toString(StandardCharsets.UTF_8);
        written.reset();
        return all.isEmpty() ? List.of() : List.of(all.split("\\R"));
    }

    @Override
    public void close() throws ReflectiveOperationException {
        System.setErr(standardError);
        level.setInt(logger, levelBefore);
    }
}
