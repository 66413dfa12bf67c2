package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

/**
 * Has all connections of one event loop read into one buffer, once for each time that a session asks to read. Used on its
 * event loop alone, and only where a read is over when it returns: not with io_uring.
 */
final class LoopReads implements RecvByteBufAllocator, RecvByteBufAllocator.ExtendedHandle {

    private final LoopBuffer buffer = new LoopBuffer(Listeners.READ_BYTES);
    private int attempted;
    private int last;

    @Override
    @SuppressWarnings("deprecation") // the return type of the interface
    public Handle newHandle() {
        return this;
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
        return buffer.take();
    }

    @Override
    public int guess() {
        return Listeners.READ_BYTES;
    }

    @Override
    public void reset(ChannelConfig config) {
        attempted = 0;
        last = 0;
    }

    @Override
    public void incMessagesRead(int messages) {
        // there is one
    }

    @Override
    public void lastBytesRead(int bytes) {
        last = bytes;
    }

    @Override
    public int lastBytesRead() {
        return last;
    }

    @Override
    public void attemptedBytesRead(int bytes) {
        attempted = bytes;
    }

    @Override
    public int attemptedBytesRead() {
        return attempted;
    }

    @Override
    public boolean continueReading() {
        return false;
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
        return false;
    }

    @Override
    public void readComplete() {
        // nothing is learnt
    }
}
