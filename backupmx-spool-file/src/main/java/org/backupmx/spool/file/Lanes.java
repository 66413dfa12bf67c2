package org.backupmx.spool.file;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.mail.MailDomain;
import org.jspecify.annotations.Nullable;

/** The lanes that hold messages, by domain and by number. Guarded by the index. */
final class Lanes {

    private final EntryTable entries;
    private final MessageTable messages;
    private final Map<MailDomain, Lane> byDomain = new HashMap<>();
    private final List<@Nullable Lane> byNumber = new ArrayList<>();
    private final Deque<Integer> free = new ArrayDeque<>();

    Lanes(EntryTable entries, MessageTable messages) {
        this.entries = entries;
        this.messages = messages;
    }

    Collection<Lane> all() {
        return byDomain.values();
    }

    @Nullable
    Lane find(MailDomain domain) {
        return byDomain.get(domain);
    }

    Lane get(int number) {
        Lane lane = byNumber.get(number);
        if (lane == null) {
            throw new AssertionError("lane " + number);
        }
        return lane;
    }

    Lane open(MailDomain domain) {
        Lane lane = byDomain.get(domain);
        if (lane == null) {
            Integer number = free.poll();
            if (number == null) {
                number = byNumber.size();
                byNumber.add(null);
            }
            lane = new Lane(domain, number, entries, messages);
            byNumber.set(number, lane);
            byDomain.put(domain, lane);
        }
        return lane;
    }

    /** Forgets a lane that holds nothing any more. */
    void closeIfEmpty(Lane lane) {
        if (lane.queued == 0) {
            byDomain.remove(lane.domain);
            byNumber.set(lane.number, null);
            free.push(lane.number);
        }
    }
}
