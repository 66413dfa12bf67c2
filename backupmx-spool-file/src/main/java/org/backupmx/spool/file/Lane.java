package org.backupmx.spool.file;

import java.time.Instant;
import java.util.Comparator;
import java.util.TreeSet;
import org.backupmx.mail.MailDomain;

/** What waits for one destination domain. Guarded by the index. */
final class Lane {

    /** A lease of one entry; ended by {@code until}, or by the end of the lane entry. */
    record Lease(int entry, long token, Instant until) {}

    final MailDomain domain;
    final int number;
    /** What can be leased: not held, not leased. */
    final EntryHeap due;

    final EntryHeap age;
    /** What is leased, earliest end first. */
    final TreeSet<Lease> leased =
            new TreeSet<>(Comparator.comparing(Lease::until).thenComparingLong(Lease::token));

    long queued;
    long held;
    long bytes;

    Lane(MailDomain domain, int number, EntryTable entries, MessageTable messages) {
        this.domain = domain;
        this.number = number;
        this.due = EntryHeap.byDue(entries, messages);
        this.age = EntryHeap.byAge(entries, messages);
    }
}
