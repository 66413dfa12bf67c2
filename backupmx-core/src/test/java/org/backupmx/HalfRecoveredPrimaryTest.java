package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.backupmx.event.BreakerClosed;
import org.backupmx.event.BreakerOpened;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A primary that comes back without its recipients (X2). */
class HalfRecoveredPrimaryTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");
    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final int QUEUED = 1_000;

    private final VirtualEngine engine = new VirtualEngine();

    @BeforeEach
    void begin() {
        engine.builder.breaker(true);
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private static ForwardPath user(int i) {
        return ForwardPath.parse("user" + i + "@example.test");
    }

    private void refuse(int from, int to) {
        for (int i = from; i < to; i++) {
            engine.client.reply(user(i), SmtpReply.of(550, "5.1.1", "<" + user(i) + ">: user unknown in relay table"));
        }
    }

    private void take(int from, int to) {
        for (int i = from; i < to; i++) {
            engine.client.reply(user(i), SmtpReply.of(250, "2.0.0", "Ok"));
        }
    }

    private void accept(int from, int to) {
        var client = engine.server.connect();
        for (int i = from; i < to; i++) {
            assertThat(client.send("a@sender.test", MAIL, user(i).toString())
                            .reply()
                            .code())
                    .isEqualTo(250);
        }
    }

    private void outage() {
        engine.client.allDown();
        engine.start();
        accept(0, QUEUED);
        engine.time.advance(Duration.ofHours(2));
        engine.client.attempts();
    }

    private List<MessageDeadLettered> failed() {
        return engine.events.events(MessageDeadLettered.class);
    }

    private int refusedAttempts(int before) {
        return engine.client.attempts().size()
                - before
                - engine.client.relayed().size();
    }

    @Test
    void nothingFailsForAnEmptyListOfRecipientsAndAllArrivesOnceItIsBack() throws Exception {
        outage();
        int before = engine.client.attempts().size();
        refuse(0, QUEUED);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(4));

        assertThat(engine.events.events(BreakerOpened.class)).singleElement().satisfies(event -> {
            assertThat(event.domain()).isEqualTo(DOMAIN);
            assertThat(event.reply().code()).isEqualTo(550);
        });
        assertThat(refusedAttempts(before)).isBetween(1, 8);
        assertThat(engine.mx.health().find(DOMAIN))
                .hasValueSatisfying(health -> assertThat(health.health()).isEqualTo(PrimaryHealth.REJECTING));

        engine.time.advance(Duration.ofHours(5));
        assertThat(refusedAttempts(before)).as("canaries").isBetween(100, 400);
        assertThat(engine.mx.snapshot().queued()).isEqualTo(QUEUED);

        take(0, QUEUED);
        engine.time.advance(Duration.ofMinutes(11));
        assertThat(engine.client.relayed()).hasSize(QUEUED);
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(failed()).isEmpty();
        assertThat(engine.events.events(BreakerClosed.class))
                .singleElement()
                .satisfies(event -> assertThat(event.byOrder()).isFalse());
    }

    @Test
    void manyWhoDoNotExistDoNotKeepTheOthersWaitingForLong() throws Exception {
        outage();
        refuse(0, 900);
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(6));
        assertThat(engine.client.relayed()).hasSize(100);
        engine.time.advance(Duration.ofHours(2));
        assertThat(failed()).hasSize(900);
    }

    @Test
    void whoWasTakenBeforeTheOutageIsTheFirstToBeTried() {
        engine.start();
        accept(990, 1_000);
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(10);
        engine.client.allDown();
        engine.time.advance(Duration.ofMinutes(10));
        accept(0, 50);
        accept(995, 998);
        engine.time.advance(Duration.ofHours(1));
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(3));
        assertThat(engine.client.relayed().subList(10, 13))
                .extracting(relayed -> relayed.recipient().toString())
                .containsExactlyInAnyOrder("user995@example.test", "user996@example.test", "user997@example.test");
        assertThat(engine.client.relayed()).hasSize(63);
    }

    @Test
    void anOperatorMayBelieveThePrimary() throws Exception {
        outage();
        refuse(0, QUEUED);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(4));
        assertThat(failed()).isEmpty();
        assertThat(engine.mx.health().believe(DOMAIN)).isTrue();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(failed()).hasSize(QUEUED);
        assertThat(engine.events.events(BreakerClosed.class))
                .singleElement()
                .satisfies(event -> assertThat(event.byOrder()).isTrue());
        assertThat(engine.mx.health().believe(DOMAIN)).isFalse();
    }

    @Test
    void aSingleRefusalIsSettledWithinHoursWhereNothingElseComes() {
        engine.start();
        refuse(0, 1);
        accept(0, 1);
        engine.time.run();
        assertThat(failed()).isEmpty();
        engine.time.advance(Duration.ofHours(3));
        assertThat(failed()).hasSize(1);
    }
}
