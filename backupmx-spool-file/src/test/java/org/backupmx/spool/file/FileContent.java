package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/**
 * The bytes of a file on a {@link SimulatedDisk}: what readers see, what would survive, and what was done since the last
 * force. Guarded by the disk.
 */
final class FileContent {

    static final int SECTOR = 512;
    static final int PAGE = 4096;

    /** One change of a file that was not forced: a write, or a truncation, which has no data. */
    private static final class Change {
        private final int at;
        private final byte[] data;

        Change(int at, byte[] data) {
            this.at = at;
            this.data = data;
        }

        int end() {
            return data == null ? Integer.MAX_VALUE : at + data.length;
        }
    }

    /** What a reader sees. */
    private byte[] bytes = new byte[0];
    /** What would survive. */
    private byte[] forced = new byte[0];
    /** What was done since the last force, in order. */
    private final List<Change> changes = new ArrayList<>();
    /** A force failed: pages that readers see are not on the disk, and nothing is due to write them. */
    private boolean dropped;
    /** Pages that cannot be read. */
    private final BitSet bad = new BitSet();

    /** Returns a copy that is all on the disk. */
    static FileContent of(byte[] bytes) {
        FileContent content = new FileContent();
        content.replace(bytes);
        return content;
    }

    /** Becomes something else, forced. */
    void replace(byte[] whole) {
        bytes = whole.clone();
        forced = whole.clone();
        changes.clear();
    }

    byte[] bytes() {
        return bytes;
    }

    int size() {
        return bytes.length;
    }

    /** Has a page not be readable any more, until all of it is written. */
    void spoil(int page) {
        bad.set(page);
    }

    /** Has every page be readable again, with what was there. */
    void heal() {
        bad.clear();
    }

    /** Reads up to the first page that cannot be read. */
    int read(ByteBuffer into, int position) throws IOException {
        if (position >= bytes.length) {
            return -1;
        }
        int count = Math.min(into.remaining(), bytes.length - position);
        int firstBad = bad.nextSetBit(position / PAGE);
        if (firstBad >= 0) {
            count = Math.min(count, firstBad * PAGE - position);
        }
        if (count <= 0 && into.hasRemaining()) {
            throw new IOException("Input/output error");
        }
        into.put(bytes, position, count);
        return count;
    }

    void write(int at, ByteBuffer from, int count) {
        int end = at + count;
        if (end > bytes.length) {
            bytes = Arrays.copyOf(bytes, end);
        }
        from.get(bytes, at, count);
        int firstWhole = (at + PAGE - 1) / PAGE;
        if (firstWhole < end / PAGE) {
            bad.clear(firstWhole, end / PAGE); // the disk has spare sectors
        }
        int first = dropped ? at / PAGE * PAGE : at; // the page cache writes whole pages
        int last = dropped ? Math.min(bytes.length, (end + PAGE - 1) / PAGE * PAGE) : end;
        changes.add(new Change(first, Arrays.copyOfRange(bytes, first, last)));
    }

    void truncate(int size) {
        if (size < bytes.length) {
            bytes = Arrays.copyOf(bytes, size);
            changes.add(new Change(size, null));
        }
    }

    void force() {
        forced = survivor(Loss.NONE, new Random(0));
        changes.clear();
    }

    /** What Linux does: the error is told once, the pages count as clean, a later force has nothing to do. */
    void failForce(Random random) {
        forced = survivor(Loss.of(random), random);
        changes.clear();
        dropped = true;
        if (random.nextBoolean()) {
            bytes = Arrays.copyOf(forced, bytes.length); // the pages left the cache
        }
    }

    /** Returns what is found if the power goes now. */
    byte[] survivor(Loss loss, Random random) {
        if (changes.isEmpty()) {
            return dropped && loss == Loss.NONE ? Arrays.copyOf(forced, bytes.length) : forced.clone();
        }
        int most = Math.max(1, Math.max(forced.length, bytes.length));
        for (Change change : changes) {
            most = change.data == null ? most : Math.max(most, change.end());
        }
        int[] kept = loss.kept((most + SECTOR - 1) / SECTOR, changes.size(), random);
        byte[] found = Arrays.copyOf(forced, most);
        if (loss == Loss.SECTORS && random.nextInt(4) == 0) { // blocks of a file that grew hold what was there before
            byte[] stale = new byte[most - forced.length];
            random.nextBytes(stale);
            System.arraycopy(stale, 0, found, forced.length, stale.length);
        }
        int[] sizes = new int[changes.size() + 1];
        sizes[0] = forced.length;
        for (int i = 0; i < changes.size(); i++) {
            Change change = changes.get(i);
            sizes[i + 1] = change.data == null ? change.at : Math.max(sizes[i], change.end());
            apply(change, i, kept, found);
        }
        if (loss == Loss.TORN && kept[0] + 1 < changes.size()) {
            Change half = changes.get(kept[0] + 1);
            if (half.data != null) {
                int count = random.nextInt(half.data.length + 1);
                System.arraycopy(half.data, 0, found, half.at, count);
                return Arrays.copyOf(found, Math.max(sizes[kept[0] + 1], half.at + count));
            }
        }
        if (loss == Loss.NONE) {
            return Arrays.copyOf(found, bytes.length);
        }
        return Arrays.copyOf(found, sizes[loss.isOrdered() ? kept[0] + 1 : random.nextInt(sizes.length)]);
    }

    private static void apply(Change change, int number, int[] kept, byte[] found) {
        int end = Math.min(change.end(), found.length);
        for (int at = change.at; at < end; ) {
            int sector = at / SECTOR;
            int next = Math.min((sector + 1) * SECTOR, end);
            if (number <= kept[sector]) {
                if (change.data == null) {
                    Arrays.fill(found, at, next, (byte) 0);
                } else {
                    System.arraycopy(change.data, at - change.at, found, at, next - at);
                }
            }
            at = next;
        }
    }
}
