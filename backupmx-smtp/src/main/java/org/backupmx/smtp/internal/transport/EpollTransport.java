package org.backupmx.smtp.internal.transport;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import java.net.Inet4Address;

/** Linux's epoll; its classes need not be there, so nothing else may mention them. */
final class EpollTransport {

    private EpollTransport() {}

    static SocketTransport create() {
        Epoll.ensureAvailability();
        return new SocketTransport(
                "epoll",
                EpollIoHandler::newFactory,
                address -> address instanceof Inet4Address
                        ? new EpollServerSocketChannel(SocketProtocolFamily.INET)
                        : new EpollServerSocketChannel(),
                EpollSocketChannel::new,
                true);
    }
}
