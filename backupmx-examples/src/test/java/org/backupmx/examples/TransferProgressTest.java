package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TransferProgressTest {

    private final StringWriter err = new StringWriter();
    private long nanos = -7;

    private TransferProgress progress(boolean terminal) {
        return new TransferProgress("export", 100, new PrintWriter(err), terminal, () -> nanos);
    }

    private void transfer(TransferProgress progress, int messages, long millisEach) {
        for (int i = 0; i < messages; i++) {
            nanos += TimeUnit.MILLISECONDS.toNanos(millisEach);
            progress.transferred("x", 50_000);
        }
    }

    @Test
    void whatTakesAMomentShowsNothing() {
        transfer(progress(true), 19, 100);
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void elsewhereALineComesEveryFiveSeconds() {
        transfer(progress(false), 100, 100);
        assertThat(err.toString().lines())
                .containsExactly(
                        "export: 20 of 100 messages, 1.0 MB, 10 messages/s, 8s left",
                        "export: 70 of 100 messages, 3.5 MB, 10 messages/s, 3s left");
    }

    @Test
    void onATerminalOneLineChanges() {
        TransferProgress progress = progress(true);
        transfer(progress, 22, 100);
        progress.failed("id", "bad\nthing");
        assertThat(err.toString())
                .isEqualTo("\rexport: 20 of 100 messages, 1.0 MB, 10 messages/s, 8s left"
                        + "\rexport: 22 of 100 messages, 1.1 MB, 10 messages/s, 8s left"
                        + "\r" + " ".repeat(58) + "\rexport: message id: bad thing" + System.lineSeparator());
    }

    @Test
    void moreThanWereKnownAreNoNegativeTime() {
        transfer(progress(false), 130, 100);
        assertThat(err.toString()).contains("120 of 120 messages").contains(" 0s left");
    }

    @Test
    void hoursAreHours() {
        transfer(progress(false), 1, 100_000);
        assertThat(err.toString()).contains(" 2h45m left");
    }

    @Test
    void toldToStopItDoesNotGoOn() {
        TransferProgress progress = progress(false);
        assertThat(progress.goesOn()).isTrue();
        progress.stop();
        assertThat(progress.goesOn()).isFalse();
    }
}
