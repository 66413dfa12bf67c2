package org.backupmx.examples;

import java.time.Duration;
import java.time.Instant;
import org.backupmx.BackupMx;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.QueueControl;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueSelection;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;

/** An order for many messages: what docs/queue.md shows. */
final class HoldOldMail {

    private HoldOldMail() {}

    static void run(BackupMx mx) throws SpoolException {
        QueueControl queue = mx.queue();
        QueueSelection old = QueueSelection.of(SpoolFilter.all()
                .domain(MailDomain.of("example.org"))
                .receivedBefore(Instant.now().minus(Duration.ofDays(3))));
        QueuePlan plan = queue.plan(QueueOrder.of(QueueOrder.Kind.HOLD).by("night shift"), old);
        if (plan.messages() < 1000) {
            QueueProgress end = queue.run(plan.token()).toCompletableFuture().join();
            System.out.println(end.changed() + " held");
        }
    }
}
