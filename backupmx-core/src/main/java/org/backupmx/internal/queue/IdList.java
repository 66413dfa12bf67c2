package org.backupmx.internal.queue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backupmx.spool.SpoolId;

/** Identities in the order they were added, an octet a character and one more each. Not thread-safe. */
final class IdList {

    private byte[] octets = new byte[256];
    private int end;
    private int next;
    private int size;

    void add(SpoolId id) {
        byte[] value = id.value().getBytes(StandardCharsets.US_ASCII);
        if (octets.length - end <= value.length) {
            octets = Arrays.copyOf(octets, Math.max(octets.length * 3 / 2, end + 1 + value.length));
        }
        octets[end] = (byte) value.length;
        System.arraycopy(value, 0, octets, end + 1, value.length);
        end += 1 + value.length;
        size++;
    }

    int size() {
        return size;
    }

    /** Takes the next few out, in order; what is left of the list can only be taken. */
    List<SpoolId> take(int most) {
        List<SpoolId> taken = new ArrayList<>(Math.min(most, size));
        while (taken.size() < most && next < end) {
            taken.add(new SpoolId(new String(octets, next + 1, octets[next], StandardCharsets.US_ASCII)));
            next += 1 + octets[next];
        }
        return taken;
    }
}
