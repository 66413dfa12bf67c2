package org.backupmx.spool.file;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.lifecycle.AfterTry;
import org.backupmx.spool.Spool;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolModelContract;

/** The kit's random histories, over a simulated disk. */
class FileSpoolModelIT implements SpoolModelContract {

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

    @Override
    public Spool newSpool() throws Exception {
        return open(newDisk(DISK_BYTES));
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return EnumSet.complementOf(EnumSet.of(SpoolAbility.SHAREABLE));
    }

    @Override
    public Spool reopen(Spool closed) throws Exception {
        SimulatedDisk disk = disks.remove(closed);
        if (disk == null) {
            throw new AssertionError("a spool of somebody else");
        }
        return open(disk);
    }

    @AfterTry
    void forgetDisks() {
        disks.clear();
    }
}
