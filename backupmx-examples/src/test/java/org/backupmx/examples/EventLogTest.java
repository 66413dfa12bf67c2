package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Collectors;
import org.backupmx.event.QueueOrdered;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.internal.runtime.EventLog;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.spool.SpoolId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What an operator reads when mail does not get through. */
class EventLogTest {

    private static final Instant NOW = Instant.parse("2026-11-22T16:58:36.636658386Z");
    private static final SpoolId ID = new SpoolId("42");
    private static final ForwardPath BOB = ForwardPath.parse("bob@example.test");
    private static final SmtpReply UNKNOWN = SmtpReply.of(550, "5.1.1", "Unknown");
    private static final NextHopAddress PRIMARY =
            new NextHopAddress(new NextHop("mx1.example.test", 25), InetAddress.getLoopbackAddress());

    private final Logger logger = (Logger) LoggerFactory.getLogger("org.backupmx");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private Level before;

    @BeforeEach
    void listen() {
        before = logger.getLevel();
        logger.setLevel(Level.INFO);
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
        logger.setLevel(before);
    }

    private String line() {
        assertThat(lines.list).hasSize(1);
        ILoggingEvent event = lines.list.get(0);
        return event.getMessage() + " "
                + event.getKeyValuePairs().stream()
                        .map(pair -> pair.key + "=" + pair.value)
                        .collect(Collectors.joining(" "));
    }

    @Test
    void aFailureNamesWhoRefusedAndHowManyAttemptsThereWere() {
        new EventLog().onFailed(new RecipientFailed(NOW, ID, BOB, Optional.of(PRIMARY), UNKNOWN, 3, true));
        assertThat(line())
                .isEqualTo("recipient failed spoolId=42 rcpt=bob@example.test"
                        + " nextHop=mx1.example.test:25[127.0.0.1] reply=550 5.1.1 Unknown attempts=3 notified=true");
    }

    @Test
    void expiryWithoutAnAttemptNamesNoNextHop() {
        new EventLog().onExpired(new RecipientExpired(NOW, ID, BOB, Optional.empty(), UNKNOWN, 0, false));
        assertThat(line())
                .isEqualTo("recipient expired spoolId=42 rcpt=bob@example.test"
                        + " reply=550 5.1.1 Unknown attempts=0 notified=false");
    }

    @Test
    void anOrderNamesWhoGaveItAndWhatCameOfIt() {
        new EventLog()
                .onQueueOrdered(new QueueOrdered(
                        NOW,
                        "root at the admin socket",
                        "DELETE",
                        "domain=example.test",
                        12,
                        11,
                        "COMPLETE",
                        "spam wave"));
        assertThat(line())
                .isEqualTo("operator's order done by=root at the admin socket order=DELETE subject=domain=example.test"
                        + " planned=12 changed=11 end=COMPLETE reason=spam wave");
    }

    @Test
    void theNextAttemptIsToldInWholeSeconds() {
        new EventLog().onDeferred(new RecipientDeferred(NOW, ID, BOB, PRIMARY, UNKNOWN, 1, NOW.plusSeconds(5)));
        assertThat(line()).endsWith(" attempt=1 nextAttempt=2026-11-22T16:58:41Z");
    }
}
