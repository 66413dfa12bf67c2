package org.backupmx.benchmarks.intake;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The heap that one message may cost in the SMTP engine and the file spool together, pooled buffers aside. */
class MessageAllocationIT {

    private static final int WARM_UP = 6_000;
    private static final int MESSAGES = 4_000;
    private static final long MOST_BYTES = 4096;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void aMessageOf4KiBCostsAtMost4KiBOfHeap() throws IOException {
        // the detector's stack traces would be counted
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        try (Loopback loopback = new Loopback(4096)) {
            send(loopback, WARM_UP);
            long[] ids = serverThreads();
            long before = allocated(ids);
            send(loopback, MESSAGES);
            long each = (allocated(ids) - before) / MESSAGES;
            System.out.println("heap allocated for a message of 4 KiB: " + each + " bytes");
            // less than an empty envelope could be had for would mean that the wrong threads were asked
            assertThat(each).isBetween(200L, MOST_BYTES);
        }
    }

    private static void send(Loopback loopback, int messages) throws IOException {
        for (int i = 0; i < messages; i++) {
            loopback.send();
        }
    }

    private long[] serverThreads() {
        long[] ids = Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
                .filter(info -> info != null && info.getThreadName().matches("backupmx-(io-.*|commit)"))
                .mapToLong(info -> info.getThreadId())
                .toArray();
        assertThat(ids).hasSizeGreaterThanOrEqualTo(2);
        return ids;
    }

    private long allocated(long[] ids) {
        return Arrays.stream(threads.getThreadAllocatedBytes(ids)).sum();
    }
}
