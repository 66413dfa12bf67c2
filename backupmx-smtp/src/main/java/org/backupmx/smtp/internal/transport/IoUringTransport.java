package org.backupmx.smtp.internal.transport;

import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;

/** Linux's io_uring; its classes need not be there, so nothing else may mention them. */
final class IoUringTransport {

    private IoUringTransport() {}

    static SocketTransport create() {
        IoUring.ensureAvailability();
        return new SocketTransport(
                "io_uring",
                IoUringIoHandler::newFactory,
                address -> new IoUringServerSocketChannel(),
                IoUringSocketChannel::new,
                false);
    }
}
