package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.RecipientState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GreylistedTest {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    private static long secondsAfter(SmtpReply reply, Duration planned) {
        return secondsAfter(reply, RecipientState.Pending.INSTANCE, 0, planned);
    }

    private static long secondsAfter(SmtpReply reply, RecipientState before, int attempts, Duration planned) {
        return Duration.between(NOW, Greylisted.soonest(reply, before, attempts, NOW.plus(planned), NOW))
                .toSeconds();
    }

    /** A filter that says so for ever is tried no more often than any. */
    @Test
    void whoAlwaysSaysSoIsLeftToThePolicy() {
        SmtpReply reply = SmtpReply.of(450, "4.7.1", "Greylisted, try again in 1 sec");
        RecipientState again = new RecipientState.Deferred(reply, NOW);
        RecipientState first = new RecipientState.Deferred(SmtpReply.of(451, "4.3.0", "Local error"), NOW);
        Duration planned = Duration.ofMinutes(30);
        assertThat(secondsAfter(reply, again, Greylisted.ATTEMPTS - 1, planned)).isEqualTo(10);
        assertThat(secondsAfter(reply, again, Greylisted.ATTEMPTS, planned)).isEqualTo(1800);
        assertThat(secondsAfter(reply, first, 1000, planned)).isEqualTo(10);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    4.7.1 | Greylisted, please try again in 300 seconds                     | 301
                    4.2.0 | Greylisted, see http://postgrey.example.net/help/00:04:58       | 299
                    4.7.1 | Greylisting in effect, retry in 00:02:00                        | 121
                    4.7.0 | Greylisted for 2 minutes                                        | 121
                    4.7.1 | Greylisted                                                      | 301
                    4.7.1 | greylisted, try again in 1 sec                                  | 10
                    4.7.1 | Greylisted, come back in 999999 minutes                         | 3601
                    """)
    void itIsTriedWhenThePrimarySays(String status, String text, long seconds) {
        assertThat(secondsAfter(SmtpReply.of(450, status, text), Duration.ofHours(5)))
                .isBetween(seconds - 1, seconds);
    }

    @Test
    void neverLaterThanPlanned() {
        SmtpReply reply = SmtpReply.of(450, "4.7.1", "Greylisted for 40 minutes");
        assertThat(secondsAfter(reply, Duration.ofMinutes(5))).isEqualTo(300);
    }

    @Test
    void otherRepliesAreLeftToThePolicy() {
        assertThat(secondsAfter(SmtpReply.of(452, "4.2.2", "Mailbox full, 10 seconds"), Duration.ofHours(5)))
                .isEqualTo(18_000);
        assertThat(Greylisted.is(SmtpReply.of(550, "5.7.1", "Greylisted"))).isFalse();
    }
}
