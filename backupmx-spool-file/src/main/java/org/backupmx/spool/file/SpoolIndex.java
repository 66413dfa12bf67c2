package org.backupmx.spool.file;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.file.Lane.Lease;
import org.backupmx.spool.file.MessageTable.Chunks;
import org.jspecify.annotations.Nullable;

/**
 * What the spool knows of its queued messages without reading: where each is, in which lanes it stands, when it is due.
 *
 * <p>Its monitor guards it, the tables in it and the counters of the segments; it is never held during input or output.
 * {@link Deliveries} and {@link Queries} work on it under the same monitor.
 */
final class SpoolIndex {

    /** A message that cannot be read; {@code segment} is where its record is. */
    record DamagedMessage(int segment, String reason) {}

    final EntryTable entries = new EntryTable();
    final MessageTable messages = new MessageTable();
    final Lanes lanes = new Lanes(entries, messages);
    /** Leases by entry. */
    final Map<Integer, Lease> leases = new HashMap<>();
    /** States that are not on disk yet, by entry. */
    final Map<Integer, StateItem> unwritten = new HashMap<>();
    /** Messages found damaged, by identity. */
    final Map<Long, DamagedMessage> damagedMessages = new LinkedHashMap<>();

    /**
     * Segments that have a record of a message besides the one where it is, by identity: it was moved out of them or is
     * being moved there. Its death has to name them.
     */
    final Map<Long, int[]> copies = new HashMap<>();

    /** Segments of which the opening could not read a part; guarded by this. */
    private int[] unreadable = NONE;

    private static final int[] NONE = {};

    private final SegmentFiles segments;
    private final Runnable reclaim;

    /**
     * Makes an empty index.
     *
     * @param reclaim called when a segment may have become dead or sparse; must not block
     */
    SpoolIndex(SegmentFiles segments, Runnable reclaim) {
        this.segments = segments;
        this.reclaim = reclaim;
    }

    /** Adds a committed message; it is due when it was received, in every lane. */
    synchronized int add(
            long id,
            long location,
            int length,
            long sizeBytes,
            long received,
            MailDomain[] domains,
            @Nullable Chunks chunks) {
        int row = messages.add(id);
        messages.location.set(row, location);
        messages.length.set(row, length);
        messages.sizeBytes(row, sizeBytes);
        messages.received.set(row, received);
        needed(location, length);
        if (chunks != null) {
            messages.chunks(row, chunks);
            for (int i = 0; i < chunks.locations().length; i++) {
                needed(chunks.locations()[i], chunks.lengths()[i]);
            }
        }
        int last = -1;
        for (int ordinal = 0; ordinal < domains.length; ordinal++) {
            int entry = entries.add(row, ordinal);
            if (last < 0) {
                messages.firstEntry.set(row, entry);
            } else {
                entries.next.set(last, entry);
            }
            last = entry;
            Lane lane = lanes.open(domains[ordinal]);
            entries.lane.set(entry, lane.number);
            entries.due.set(entry, received);
            lane.queued++;
            lane.bytes += sizeBytes;
            lane.place(entry, true);
        }
        return row;
    }

    /** Forgets a message and all that belongs to it. */
    synchronized void remove(int row) {
        for (int entry = messages.firstEntry.get(row); entry >= 0; ) {
            int next = entries.next.get(entry);
            if (!entries.isDone(entry) && !messages.is(row, MessageTable.DAMAGED)) {
                leave(entry);
            }
            unwritten.remove(entry);
            unneeded(entries.state.get(entry), entries.stateLength.get(entry));
            entries.remove(entry);
            entry = next;
        }
        unneeded(messages.location.get(row), messages.length.get(row));
        Chunks chunks = messages.chunks(row);
        if (chunks != null) {
            for (int i = 0; i < chunks.locations().length; i++) {
                unneeded(chunks.locations()[i], chunks.lengths()[i]);
            }
        }
        messages.remove(row);
    }

    /** Takes an entry out of its lane, for good. */
    void leave(int entry) {
        int row = entries.message.get(entry);
        Lane lane = lanes.get(entries.lane.get(entry));
        endLease(entry);
        lane.remove(entry);
        lane.queued--;
        lane.bytes -= messages.sizeBytes(row);
        if (messages.is(row, MessageTable.HELD)) {
            lane.held--;
        }
        lanes.closeIfEmpty(lane);
    }

    /** Ends the lease of an entry if it has one. */
    void endLease(int entry) {
        Lease lease = leases.remove(entry);
        if (lease != null) {
            lanes.get(entries.lane.get(entry)).leased.remove(lease);
        }
    }

    /** Has an entry stand where it belongs in its lane, among what can be leased exactly if it can. */
    void place(int entry) {
        int row = entries.message.get(entry);
        lanes.get(entries.lane.get(entry))
                .place(entry, !messages.is(row, MessageTable.HELD | MessageTable.DYING) && !leases.containsKey(entry));
    }

    /** Returns the entry of a message's lane by its position in the meta, -1 if there is none. */
    int entry(int row, int ordinal) {
        int entry = messages.firstEntry.get(row);
        while (entry >= 0 && entries.ordinal(entry) != ordinal) {
            entry = entries.next.get(entry);
        }
        return entry;
    }

    /** Marks a lane of a message as done; it goes on to know its state until the message goes. */
    void finish(int entry) {
        leave(entry);
        entries.done(entry);
    }

    /** Says that a message was found damaged: it leaves its lanes and waits for an operator. */
    synchronized void quarantine(long id, String reason) {
        int row = messages.find(id);
        if (row < 0 || messages.is(row, MessageTable.DAMAGED)) {
            return;
        }
        for (int entry = messages.firstEntry.get(row); entry >= 0; entry = entries.next.get(entry)) {
            if (!entries.isDone(entry)) {
                leave(entry);
            }
        }
        messages.set(row, MessageTable.DAMAGED, true);
        damagedMessages.put(id, new DamagedMessage(Location.segment(messages.location.get(row)), reason));
    }

    /** Sets whether a message is held. */
    synchronized void hold(long id, boolean held) {
        int row = messages.find(id);
        if (row < 0 || messages.is(row, MessageTable.HELD) == held) {
            return;
        }
        messages.set(row, MessageTable.HELD, held);
        for (int entry = messages.firstEntry.get(row); entry >= 0; entry = entries.next.get(entry)) {
            if (!entries.isDone(entry) && !messages.is(row, MessageTable.DAMAGED)) {
                lanes.get(entries.lane.get(entry)).held += held ? 1 : -1;
                place(entry);
            }
        }
    }

    /** Sets where the state of a lane is. */
    synchronized void state(int entry, long location, int length) {
        unneeded(entries.state.get(entry), entries.stateLength.get(entry));
        entries.state.set(entry, location);
        entries.stateLength.set(entry, length);
        needed(location, length);
    }

    /** Sets where a message's record is, after it was moved. */
    synchronized void move(int row, long location, int length) {
        unneeded(messages.location.get(row), messages.length.get(row));
        messages.location.set(row, location);
        messages.length.set(row, length);
        needed(location, length);
    }

    /** Sets where a chunk is, after it was moved. */
    synchronized void moveChunk(Chunks chunks, int index, long location, int length) {
        unneeded(chunks.locations()[index], chunks.lengths()[index]);
        chunks.locations()[index] = location;
        chunks.lengths()[index] = length;
        needed(location, chunks.lengths()[index]);
    }

    /** Says that a segment has a record of a message and may not be where the message is. */
    synchronized void copied(long id, int segment) {
        int[] known = copies.getOrDefault(id, NONE);
        if (!contains(known, segment)) {
            int[] more = Arrays.copyOf(known, known.length + 1);
            more[known.length] = segment;
            copies.put(id, more);
        }
    }

    /** Returns the segments that have, or may have, a record of a message, among them a given one. */
    synchronized int[] hosts(long id, int segment) {
        copied(id, segment);
        for (int number : unreadable) {
            copied(id, number);
        }
        return copies.getOrDefault(id, NONE).clone();
    }

    /** Takes the segments of which the disk refuses a part: nobody knows what that part has. */
    synchronized void unreadable(int[] numbers) {
        unreadable = numbers;
    }

    private static boolean contains(int[] numbers, int number) {
        return Arrays.stream(numbers).anyMatch(one -> one == number);
    }

    /**
     * Says that a DEAD record is needed as long as any of some segments exists: they have a record of the message.
     */
    synchronized void dead(long id, long location, int length, int[] hosts) {
        copies.remove(id);
        int segment = Location.segment(location);
        for (int host : hosts) {
            Segment found = host == segment ? null : segments.get(host);
            if (found != null) {
                found.dependents.merge(segment, (long) length, Long::sum);
                needed(location, length);
            }
        }
    }

    /** Says that a DEAD record was moved away. */
    synchronized void deadMoved(long location, int length, int[] hosts) {
        int segment = Location.segment(location);
        for (int host : hosts) {
            Segment found = host == segment ? null : segments.get(host);
            if (found != null && found.dependents.containsKey(segment)) {
                found.dependents.merge(segment, (long) -length, Long::sum);
                unneeded(location, length);
            }
        }
    }

    /** Says that a segment's file is gone: deaths that it made necessary are so no longer. */
    synchronized void removed(Segment segment) {
        segment.dependents.forEach((number, bytes) -> {
            Segment dependent = segments.get(number);
            if (dependent != null) {
                dependent.liveBytes -= bytes;
            }
        });
        copies.replaceAll((id, numbers) -> contains(numbers, segment.number())
                ? Arrays.stream(numbers)
                        .filter(number -> number != segment.number())
                        .toArray()
                : numbers);
        copies.values().removeIf(numbers -> numbers.length == 0);
        Segment next = segments.get(segment.number() + 1);
        if (next != null) {
            next.endsPrevious = false;
        }
        reclaim.run();
    }

    /** Forgets that a message was found damaged: it was deleted. */
    void forgetDamage(long id) {
        DamagedMessage damage = damagedMessages.remove(id);
        Segment segment = damage == null || messages.find(id) >= 0 ? null : segments.get(damage.segment());
        if (segment != null) {
            segment.damages--;
            reclaim.run();
        }
    }

    /** Counts a record whose need is found out when its segment is compacted. */
    synchronized void soft(long location, int length) {
        Segment segment = segments.get(Location.segment(location));
        if (segment != null) {
            segment.softBytes += length;
        }
    }

    /** Counts chunks of messages that are not committed; a negative number takes them back. */
    synchronized void openChunks(long location, int chunks) {
        Segment segment = segments.get(Location.segment(location));
        if (segment != null) {
            segment.openChunks += chunks;
            if (segment.openChunks == 0) {
                reclaim.run();
            }
        }
    }

    /** Says that a segment was sealed: it may have become sparse before. */
    void sealed() {
        reclaim.run();
    }

    private void needed(long location, int length) {
        Segment segment = segments.get(Location.segment(location));
        if (segment != null) {
            segment.liveBytes += length;
        }
    }

    private void unneeded(long location, int length) {
        Segment segment = location == 0 ? null : segments.get(Location.segment(location));
        if (segment != null) {
            int before = segment.fill();
            segment.liveBytes -= length;
            if (segment.isSealed() && (segment.liveBytes == 0 || segment.fill() != before)) {
                reclaim.run();
            }
        }
    }

    /** Returns how many messages are queued. */
    synchronized int count() {
        return messages.count();
    }
}
