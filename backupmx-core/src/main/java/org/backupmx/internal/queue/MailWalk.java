package org.backupmx.internal.queue;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueSelection;
import org.backupmx.queue.QueuedMail;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/** Visits selected messages in the order of the spool, a page in memory at a time. Thread-safe; blocks. */
final class MailWalk {

    private static final Set<QueueArea> BY_ENTRY =
            EnumSet.of(QueueArea.EXPIRED, QueueArea.DEAD_LETTER, QueueArea.RECYCLED);

    private final FindableSpool spool;
    private final HeldMail held;

    MailWalk(FindableSpool spool, HeldMail held) {
        this.spool = spool;
        this.held = held;
    }

    /** Returns a message with where it stands. */
    Optional<QueuedMail> find(SpoolId id) throws SpoolException {
        return spool.find(id).map(this::mail);
    }

    private QueuedMail mail(QueuedMessage message) {
        Optional<HeldMail.Entry> entry = message.held() ? held.find(message.id()) : Optional.empty();
        return entry.map(one -> new QueuedMail(message, area(one.reason()), Optional.of(one.until()), one.detail()))
                .orElseGet(() -> new QueuedMail(
                        message, message.held() ? QueueArea.HELD : QueueArea.DELIVERY, Optional.empty(), ""));
    }

    static QueueArea area(HeldMail.Reason reason) {
        return switch (reason) {
            case EXPIRED -> QueueArea.EXPIRED;
            case DEAD_LETTER -> QueueArea.DEAD_LETTER;
            case RECYCLED -> QueueArea.RECYCLED;
        };
    }

    /**
     * Visits what is selected and stands in one of some areas.
     *
     * @param after begins behind this message; empty for the first
     * @param page how many are read at a time
     * @param visitor tells whether to go on
     */
    void walk(
            QueueSelection selection,
            Set<QueueArea> areas,
            Optional<SpoolId> after,
            int page,
            Predicate<QueuedMail> visitor)
            throws SpoolException {
        Predicate<QueuedMail> wanted = mail -> !areas.contains(mail.area()) || visitor.test(mail);
        if (!selection.ids().isEmpty()) {
            byId(selection.ids(), after, wanted);
        } else if (BY_ENTRY.containsAll(areas)) {
            byEntry(selection.filter(), after, page, wanted);
        } else {
            byFilter(narrowed(selection.filter(), areas), after, page, wanted);
        }
    }

    private void byId(List<SpoolId> ids, Optional<SpoolId> after, Predicate<QueuedMail> visitor) throws SpoolException {
        for (SpoolId id : ids) {
            if (after.isEmpty() || id.compareTo(after.get()) > 0) {
                Optional<QueuedMail> mail = find(id);
                if (mail.isPresent() && !visitor.test(mail.get())) {
                    return;
                }
            }
        }
    }

    /** What the engine holds is known, and may be little in a large spool. */
    private void byEntry(SpoolFilter filter, Optional<SpoolId> after, int page, Predicate<QueuedMail> visitor)
            throws SpoolException {
        Optional<SpoolId> last = after;
        while (true) {
            List<HeldMail.Entry> entries = held.entries(Optional.empty(), last, page);
            for (HeldMail.Entry entry : entries) {
                Optional<QueuedMail> mail = find(entry.id()).filter(found -> filter.matches(found.message()));
                if (mail.isPresent() && !visitor.test(mail.get())) {
                    return;
                }
                last = Optional.of(entry.id());
            }
            if (entries.size() < page) {
                return;
            }
        }
    }

    private void byFilter(SpoolFilter filter, Optional<SpoolId> after, int page, Predicate<QueuedMail> visitor)
            throws SpoolException {
        Optional<SpoolId> last = after;
        while (true) {
            List<QueuedMessage> messages = spool.find(filter, last, page);
            for (QueuedMessage message : messages) {
                if (!visitor.test(mail(message))) {
                    return;
                }
                last = Optional.of(message.id());
            }
            if (messages.size() < page) {
                return;
            }
        }
    }

    private static SpoolFilter narrowed(SpoolFilter filter, Set<QueueArea> areas) {
        if (filter.held().isPresent()) {
            return filter;
        }
        if (areas.equals(Set.of(QueueArea.DELIVERY))) {
            return filter.held(false);
        }
        return areas.contains(QueueArea.DELIVERY) ? filter : filter.held(true);
    }
}
