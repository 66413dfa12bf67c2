package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.backupmx.internal.queue.Breaker.Change;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.junit.jupiter.api.Test;

class BreakerTest {

    private static final SmtpReply UNKNOWN = SmtpReply.of(550, "5.1.1", "<x@example.test>: user unknown in table");
    private static final SmtpReply SPAM = SmtpReply.of(554, "5.7.1", "This looks like spam");

    private final KnownRecipientMemory known = new KnownRecipientMemory();
    private Instant now = Instant.parse("2026-03-01T12:00:00Z");
    private final Breaker breaker = new Breaker(known, now);
    private int number;

    private ForwardPath somebody() {
        return ForwardPath.parse("user" + number++ + "@example.test");
    }

    private boolean isBelieved(SmtpReply reply) {
        return breaker.refused(somebody(), reply, now).isBelieved();
    }

    private void takes(int count) {
        for (int i = 0; i < count; i++) {
            breaker.taken(somebody(), now);
        }
    }

    @Test
    void nothingIsBelievedBeforeThreeWereTaken() {
        assertThat(isBelieved(UNKNOWN)).isFalse();
        takes(2);
        assertThat(isBelieved(UNKNOWN)).isFalse();
        assertThat(breaker.taken(somebody(), now)).isEqualTo(Change.TRUSTED);
        assertThat(isBelieved(UNKNOWN)).isTrue();
        breaker.outageEnded(now);
        assertThat(isBelieved(UNKNOWN)).isFalse();
    }

    @Test
    void roleMailboxesShowNothing() {
        for (String role : new String[] {"postmaster", "Abuse", "MAILER-DAEMON", "postmaster"}) {
            breaker.taken(ForwardPath.parse(role + "@example.test"), now);
        }
        assertThat(isBelieved(UNKNOWN)).isFalse();
    }

    @Test
    void anHourWithoutAnOutageMakesRefusalsOfRecipientsBelievableButNotOfUs() {
        assertThat(isBelieved(UNKNOWN)).isFalse();
        now = now.plus(Breaker.TRIAL);
        assertThat(isBelieved(UNKNOWN)).isTrue();
        assertThat(isBelieved(SPAM)).isTrue();
        assertThat(isBelieved(SmtpReply.of(554, "5.7.1", "Relay access denied")))
                .isFalse();
    }

    @Test
    void aClockThatIsSetBackMakesTheNextCanaryWaitNoLongerThanUsual() {
        for (int i = 0; i < Breaker.SAME; i++) {
            isBelieved(UNKNOWN);
        }
        now = now.minus(Duration.ofHours(5));
        breaker.clockSetBack(now);
        assertThat(breaker.nextCanary()).isEqualTo(now.plus(Breaker.CANARY_AFTER));
        breaker.believe(now);
        breaker.clockSetBack(now);
        assertThat(breaker.nextCanary()).isEqualTo(Instant.MAX);
    }

    @Test
    void theSameWordsToFiveOpenIt() {
        for (int i = 0; i < Breaker.SAME - 1; i++) {
            SmtpReply reply = SmtpReply.of(550, "5.1.1", "<user" + i + "@example.test>: user unknown in table");
            assertThat(breaker.refused(somebody(), reply, now)).isEqualTo(new Breaker.Judgement(false, Change.NONE));
        }
        assertThat(breaker.open()).isEmpty();
        assertThat(breaker.refused(somebody(), UNKNOWN, now)).isEqualTo(new Breaker.Judgement(false, Change.OPENED));
        assertThat(breaker.open()).contains(UNKNOWN);
        assertThat(breaker.nextCanary()).isEqualTo(now.plus(Breaker.CANARY_AFTER));
    }

    @Test
    void aFewOfTheSameAmongManyThatAreTakenDoNotOpenIt() {
        for (int i = 0; i < 100; i++) {
            takes(3);
            assertThat(isBelieved(UNKNOWN)).as("refusal %d", i).isTrue();
        }
        assertThat(breaker.open()).isEmpty();
    }

    @Test
    void aHalfThatIsRefusedOpensItAlthoughOthersWereTaken() {
        takes(10);
        for (int i = 0; i < 10 && breaker.open().isEmpty(); i++) {
            takes(1);
            isBelieved(UNKNOWN);
        }
        assertThat(breaker.open()).isPresent();
    }

    @Test
    void oneThatIsTakenClosesItAndThreeMakeTheWordsBelieved() {
        opened();
        assertThat(breaker.taken(somebody(), now)).isEqualTo(Change.CLOSED);
        assertThat(breaker.nextCanary()).isEqualTo(Instant.MAX);
        assertThat(isBelieved(UNKNOWN)).isFalse();
        takes(2);
        for (int i = 0; i < 30; i++) {
            assertThat(isBelieved(UNKNOWN)).isTrue();
        }
        assertThat(breaker.open()).isEmpty();
        now = now.plus(Duration.ofDays(1));
        while (breaker.open().isEmpty()) {
            isBelieved(UNKNOWN); // until there are too many of them again
        }
    }

    private void opened() {
        while (breaker.open().isEmpty()) {
            isBelieved(UNKNOWN);
        }
    }

    @Test
    void whoWasTakenBeforeIsNotBelievedToBeUnknownTheFirstTime() {
        ForwardPath user = somebody();
        breaker.taken(user, now);
        takes(2);
        assertThat(breaker.refused(user, UNKNOWN, now)).isEqualTo(new Breaker.Judgement(false, Change.NONE));
        assertThat(breaker.refused(user, UNKNOWN, now).isBelieved()).isTrue();
    }

    @Test
    void afterAnOutageOneContradictionIsEnough() {
        ForwardPath user = somebody();
        breaker.taken(user, now);
        breaker.outageEnded(now);
        assertThat(breaker.refused(user, UNKNOWN, now).change()).isEqualTo(Change.OPENED);
    }

    @Test
    void anOperatorMayBelieveIt() {
        opened();
        assertThat(breaker.believe(now)).isTrue();
        assertThat(breaker.open()).isEmpty();
        assertThat(isBelieved(UNKNOWN)).isTrue();
        assertThat(breaker.believe(now)).isFalse();
    }

    @Test
    void wordsAreWhatRefusalsHaveInCommon() {
        String one = RefusalText.of(SmtpReply.of(550, "5.1.1", "<a@b.test>: \"a\" Unknown User 4711 at mx1"));
        String two = RefusalText.of(SmtpReply.of(550, "5.1.1", "<c@b.test>: \"c\" unknown user 4712 at mx7"));
        assertThat(one).isEqualTo(two).isEqualTo("550 5.1.1 unknown user at");
        assertThat(RefusalText.of(SmtpReply.of(550, "5.7.1", "unknown user at")))
                .isNotEqualTo(one);
    }
}
