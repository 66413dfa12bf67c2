package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.internal.queue.CapabilityDoubt.Lack;
import org.backupmx.mail.SmtpReply;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CapabilityDoubtTest {

    private static final Instant T0 = Instant.parse("2026-11-22T10:00:00Z");

    private final CapabilityDoubt doubt = new CapabilityDoubt();

    @ParameterizedTest
    @CsvSource({
        "552, 5.3.4, Message size exceeds fixed limit, SIZE",
        "554, 5.3.4, Too big, SIZE",
        "552, 5.2.3, Message exceeds the limit of this mailbox, -",
        "552, 5.2.2, Mailbox full, -",
        "550, 5.6.7, Next hop lacks SMTPUTF8 which the address needs, SMTPUTF8",
        "550, 5.6.9, No UTF-8 headers here, SMTPUTF8",
        "553, 5.1.1, SMTPUTF8 is needed for this address, SMTPUTF8",
        "550, 5.6.3, Conversion required, -",
        "550, 5.1.1, Unknown, -",
        "550, 5.7.30, Next hop lacks it, REQUIRETLS",
        "554, 5.7.0, RequireTLS support required, REQUIRETLS",
        "450, 4.7.30, REQUIRETLS later, -",
        "554, 5.7.1, Spam, -",
        "452, 4.3.4, Too big now, -",
    })
    void whatARefusalSaysThePrimaryLacks(int code, String enhanced, String text, String lack) {
        assertThat(Lack.of(SmtpReply.of(code, enhanced, text)).map(Lack::name).orElse("-"))
                .isEqualTo(lack);
    }

    @Test
    void withoutAnEnhancedCodeTheWordsTell() {
        assertThat(Lack.of(SmtpReply.of(552, List.of("Message size exceeds maximum permitted"))))
                .contains(Lack.SIZE);
        assertThat(Lack.of(SmtpReply.of(552, List.of("Mailbox quota exceeded"))))
                .isEmpty();
        assertThat(Lack.of(SmtpReply.of(550, List.of("smtputf8 required")))).contains(Lack.SMTPUTF8);
    }

    private boolean isBelieved(Lack lack, Duration after) {
        return doubt.refused(lack, T0.plus(after)).isBelieved();
    }

    private static LimitsJournal.Answer answer(long size, boolean utf8) {
        return new LimitsJournal.Answer(T0, size, utf8, Optional.empty());
    }

    @Test
    void aRefusalIsBelievedAfterADayOfTheSameAnswer() {
        doubt.answered(answer(100_000, true));
        assertThat(doubt.refused(Lack.SIZE, T0))
                .isEqualTo(new CapabilityDoubt.Judgement(false, true, T0.plus(CapabilityDoubt.PATIENCE)));
        doubt.answered(answer(100_000, true));
        assertThat(isBelieved(Lack.SIZE, Duration.ofHours(23))).isFalse();
        assertThat(isBelieved(Lack.SMTPUTF8, Duration.ofHours(24)))
                .as("another lack")
                .isFalse();
        assertThat(isBelieved(Lack.SIZE, Duration.ofHours(24))).isTrue();
        doubt.answered(answer(90_000, true));
        assertThat(isBelieved(Lack.SIZE, Duration.ofHours(25))).isFalse();
    }

    @Test
    void afterQuietTheDayBeginsAnew() {
        isBelieved(Lack.SIZE, Duration.ZERO);
        assertThat(isBelieved(Lack.SIZE, CapabilityDoubt.QUIET)).isTrue();
        CapabilityDoubt.Judgement late = doubt.refused(
                Lack.SIZE, T0.plus(CapabilityDoubt.QUIET.multipliedBy(2).plusSeconds(1)));
        assertThat(late.isBelieved()).isFalse();
        assertThat(late.isFirst()).isTrue();
    }
}
