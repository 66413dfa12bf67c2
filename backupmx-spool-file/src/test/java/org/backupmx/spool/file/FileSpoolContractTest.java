package org.backupmx.spool.file;

import java.io.IOException;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.DeletableSpoolContract;
import org.backupmx.spool.testkit.FindableSpoolContract;
import org.backupmx.spool.testkit.HoldableSpoolContract;
import org.backupmx.spool.testkit.OrderedSpoolContract;
import org.backupmx.spool.testkit.RecipientReadableSpoolContract;
import org.backupmx.spool.testkit.ReschedulableSpoolContract;
import org.backupmx.spool.testkit.ResettableSpoolContract;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolContract;

/** The whole test kit, over a simulated disk: every ability but sharing, which the directory's lock refuses. */
class FileSpoolContractTest
        implements SpoolContract,
                FindableSpoolContract,
                HoldableSpoolContract,
                DeletableSpoolContract,
                ReschedulableSpoolContract,
                RecipientReadableSpoolContract,
                ResettableSpoolContract,
                OrderedSpoolContract {

    private static final long DISK_BYTES = 256L << 20;

    private final Map<Spool, SimulatedDisk> disks = new HashMap<>();
    private final Random random = new Random(20240229);

    private Spool open(SimulatedDisk disk) throws Exception {
        Spool spool = SimulatedDisk.spool(disk, random.nextLong()).open();
        disks.put(spool, disk);
        return spool;
    }

    /** Returns an empty disk. */
    SimulatedDisk newDisk(long bytes) {
        return new SimulatedDisk(bytes);
    }

    private SimulatedDisk disk(Spool spool) {
        SimulatedDisk disk = disks.get(spool);
        if (disk == null) {
            throw new AssertionError("a spool of somebody else");
        }
        return disk;
    }

    @Override
    public Spool newSpool() throws Exception {
        return open(newDisk(DISK_BYTES));
    }

    @Override
    public Spool newSpool(long capacityBytes) throws Exception {
        return open(newDisk(FileSpoolBuilder.MIN_MINIMUM_FREE_BYTES + capacityBytes));
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return EnumSet.complementOf(EnumSet.of(SpoolAbility.SHAREABLE));
    }

    @Override
    public Spool reopen(Spool closed) throws Exception {
        return open(disk(closed));
    }

    @Override
    public Spool crash(Spool open) throws Exception {
        SimulatedDisk after = disk(open).afterCrash(random);
        try {
            open.close();
        } catch (Exception e) {
            // it has no disk any more
        }
        return open(after);
    }

    @Override
    public void damage(Spool closed, SpoolId id) throws Exception {
        SimulatedDisk disk = disk(closed);
        for (String name : disk.segments()) {
            byte[] bytes = disk.bytes(name);
            for (int at = RecordFormat.SEGMENT_HEADER_BYTES; at + RecordFormat.HEADER_BYTES <= bytes.length; at += 8) {
                RecordHeader header = RecordFormat.header(bytes, at);
                if (header != null && header.id() == Ids.number(id) && header.dataLength() > 0) {
                    bytes[at + RecordFormat.HEADER_BYTES + header.metaLength() + header.dataLength() / 2] ^= 4;
                    disk.put(name, bytes);
                    return;
                }
            }
        }
        throw new AssertionError("no mail data of " + id);
    }

    @Override
    public void failNextCommit(Spool open) {
        AtomicBoolean failed = new AtomicBoolean();
        disk(open).fault((call, file, bytes) -> {
            if (call == SimulatedDisk.Call.FORCE && failed.compareAndSet(false, true)) {
                throw new IOException("Input/output error");
            }
            return bytes;
        });
    }
}
