package org.backupmx.spool.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolDamagedException;

/** What recovery makes of a disk, read back message by message, without threads. */
record Recovered(
        Map<Long, String> mailData,
        Map<Long, QueuedMessage> messages,
        Map<Long, String> damagedMessages,
        List<Damage> damage,
        List<Damage> lost) {

    static Recovered from(SimulatedDisk disk) throws IOException {
        SegmentFiles files = new SegmentFiles(disk, Path.of("spool"), disk.encryption(), 0);
        SpoolIndex index = new SpoolIndex(files, () -> {});
        Recovery recovery = new Recovery(files, index, true);
        recovery.run();
        MessageLoader loader = new MessageLoader(files, index);
        Map<Long, String> mailData = new HashMap<>();
        Map<Long, QueuedMessage> messages = new HashMap<>();
        Map<Long, String> damaged = new HashMap<>();
        index.damagedMessages.forEach((id, damage) -> damaged.put(id, damage.reason()));
        for (long id : new Queries(index).ids()) {
            if (damaged.containsKey(id)) {
                continue;
            }
            try {
                messages.put(id, loader.queued(id));
                mailData.put(id, new String(read(loader, id), StandardCharsets.ISO_8859_1));
            } catch (SpoolDamagedException e) {
                messages.remove(id);
                damaged.put(id, String.valueOf(e.getMessage()));
            }
        }
        return new Recovered(mailData, messages, damaged, recovery.damage(), recovery.lost());
    }

    private static byte[] read(MessageLoader loader, long id) throws IOException {
        MessageLoader.Read read = loader.message(id, true);
        if (read.header().type() == RecordType.LONG) {
            int chunks = MessageMeta.summary(read.meta(), MailDomain::of).chunks();
            try (InputStream in = new MailDataStream(loader, id, chunks)) {
                return in.readAllBytes();
            }
        }
        int from = RecordFormat.HEADER_BYTES + read.header().metaLength();
        return Arrays.copyOfRange(read.bytes(), from, from + read.header().dataLength());
    }
}
