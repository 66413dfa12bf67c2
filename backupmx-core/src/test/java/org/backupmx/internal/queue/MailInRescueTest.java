package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.InMemorySpool;
import org.junit.jupiter.api.Test;

class MailInRescueTest {

    private static final MailDomain FIRST = MailDomain.of("first.test");
    private static final MailDomain SECOND = MailDomain.of("second.test");

    private final MailInRescue mail = new MailInRescue(InMemorySpool.create(), 3);

    private static SpoolId id(int i) {
        return new SpoolId("m" + i);
    }

    @Test
    void aMessageCountsOnceInEachOfItsDomains() {
        mail.seen(FIRST, id(1), true);
        mail.seen(FIRST, id(1), true);
        mail.seen(SECOND, id(1), true);
        mail.seen(FIRST, id(2), true);
        assertThat(mail.count(FIRST)).isEqualTo(2);
        assertThat(mail.count(SECOND)).isOne();
        mail.seen(FIRST, id(1), false);
        mail.seen(FIRST, id(1), false);
        assertThat(mail.count(FIRST)).isOne();
        assertThat(mail.count(SECOND)).isOne();
        mail.gone(List.of(id(1), id(2), id(9)));
        assertThat(mail.count(FIRST)).isZero();
        assertThat(mail.count(SECOND)).isZero();
    }

    @Test
    void noMoreAreCountedThanThereIsRoomFor() {
        for (int i = 0; i < 10; i++) {
            mail.seen(FIRST, id(i), true);
        }
        assertThat(mail.count(FIRST)).isEqualTo(3);
        mail.seen(FIRST, id(0), false);
        mail.seen(FIRST, id(9), true);
        assertThat(mail.count(FIRST)).isEqualTo(3);
    }
}
