package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * A buffer that the sessions of one event loop use one after the other, so that most reads and writes allocate nothing
 * and a session that waits holds no memory. Used on its event loop alone.
 *
 * <p>Who takes it releases it. Whoever needs it for longer just keeps it: the next one gets another.
 */
final class LoopBuffer {

    /** The collector frees what these made, so there is no end of a loop to be told of, and no leak to look for. */
    private static final ByteBufAllocator MEMORY = new UnpooledByteBufAllocator(true, true, false);

    private final int bytes;
    private @Nullable ByteBuf buffer;

    LoopBuffer(int bytes) {
        this.bytes = bytes;
    }

    /** Returns the buffer, empty. */
    ByteBuf take() {
        ByteBuf ours = buffer;
        if (ours == null || ours.refCnt() != 1) {
            if (ours != null) {
                ours.release(); // it is now its taker's alone
            }
            ours = MEMORY.directBuffer(bytes);
            buffer = ours;
        }
        return ours.clear().retain();
    }
}
