package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import org.backupmx.spool.file.MessageTable.Chunks;

/** All that recovery makes of a disk, as text to compare: from every record, or from checkpoints where there are some. */
record IndexText(SortedMap<String, String> lines, int checkpoints) {

    static IndexText ofEveryRecord(SimulatedDisk disk) throws IOException {
        return of(disk, false);
    }

    static IndexText fromCheckpoints(SimulatedDisk disk) throws IOException {
        return of(disk, true);
    }

    private static IndexText of(SimulatedDisk disk, boolean checkpointed) throws IOException {
        SegmentFiles files = new SegmentFiles(disk, Path.of("spool"), disk.encryption(), 0);
        SpoolIndex index = new SpoolIndex(files, () -> {});
        Recovery recovery = new Recovery(files, index, checkpointed ? checkpoints(disk, files, index) : null, false);
        recovery.run();
        SortedMap<String, String> lines = new TreeMap<>();
        messages(index, lines);
        index.damagedMessages.forEach((id, damage) -> lines.put("damaged " + id, damage.toString()));
        index.copies.forEach((id, hosts) -> lines.put("copies " + id, Arrays.toString(hosts)));
        for (Lane lane : index.lanes.all()) {
            lines.put(
                    "lane " + lane.domain,
                    lane.queued + " queued, " + lane.held + " held, " + lane.bytes + " bytes, first due "
                            + first(index, lane.due) + ", oldest " + lane.oldest());
        }
        int checkpoints = 0;
        for (Segment segment : files.all()) {
            checkpoints += segment.checkpointed ? 1 : 0;
            lines.put(
                    "segment " + segment.number(),
                    "key " + segment.key() + " end " + segment.end() + " set aside " + segment.isSetAside() + " live "
                            + segment.liveBytes + " soft " + segment.softBytes + " open " + segment.openChunks
                            + " damages " + segment.damages + " ends previous " + segment.endsPrevious + " dependents "
                            + new TreeMap<>(segment.dependents));
        }
        lines.put(
                "recovery",
                "session " + recovery.lastSession() + " last " + recovery.lastNumber() + " end " + recovery.lastEnd()
                        + " records " + recovery.records() + " segments " + recovery.segments() + " damage "
                        + recovery.damage() + " lost " + recovery.lost() + " torn " + recovery.torn());
        files.close();
        return new IndexText(lines, checkpoints);
    }

    private static Checkpoints checkpoints(SimulatedDisk disk, SegmentFiles files, SpoolIndex index) {
        return new Checkpoints(files, index, () -> 1, new SpaceGuard(disk, files.directory(), 0, 0), 0);
    }

    private static void messages(SpoolIndex index, SortedMap<String, String> lines) {
        MessageTable messages = index.messages;
        EntryTable entries = index.entries;
        for (int row = 0; row < messages.rows(); row++) {
            if (messages.id.get(row) == 0) {
                continue;
            }
            StringBuilder text = new StringBuilder();
            text.append(Location.text(messages.location.get(row)))
                    .append(" length ")
                    .append(messages.length.get(row))
                    .append(" size ")
                    .append(messages.sizeBytes(row))
                    .append(" received ")
                    .append(messages.received.get(row))
                    .append(messages.is(row, MessageTable.HELD) ? " held" : "")
                    .append(messages.is(row, MessageTable.DAMAGED) ? " damaged" : "");
            Chunks chunks = messages.chunks(row);
            if (chunks != null) {
                text.append(" chunks ").append(Arrays.toString(chunks.locations()));
                text.append(Arrays.toString(chunks.lengths()));
            }
            for (int entry = messages.firstEntry.get(row); entry >= 0; entry = entries.next.get(entry)) {
                text.append("; lane ").append(entries.ordinal(entry));
                if (entries.isDone(entry)) {
                    text.append(" done");
                } else if (!messages.is(row, MessageTable.DAMAGED)) {
                    text.append(' ').append(index.lanes.get(entries.lane.get(entry)).domain);
                    text.append(entries.duePlace.get(entry) < 0 ? " not leasable" : " leasable");
                }
                text.append(" due ").append(entries.due.get(entry));
                text.append(" state ").append(Location.text(entries.state.get(entry)));
                text.append(" of ").append(entries.stateLength.get(entry));
            }
            lines.put("message " + messages.id.get(row), text.toString());
        }
    }

    private static long first(SpoolIndex index, EntryHeap heap) {
        return heap.isEmpty() ? 0 : index.messages.id.get(index.entries.message.get(heap.first()));
    }
}
