package org.backupmx.smtp.internal.transport;

import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.Inet4Address;
import java.nio.channels.spi.SelectorProvider;

/** The JDK's. */
final class NioTransport {

    private NioTransport() {}

    static SocketTransport create() {
        return new SocketTransport(
                "nio",
                NioIoHandler::newFactory,
                // the JDK binds 0.0.0.0 to IPv6, too, unless told to be of IPv4
                address -> address instanceof Inet4Address
                        ? new NioServerSocketChannel(SelectorProvider.provider(), SocketProtocolFamily.INET)
                        : new NioServerSocketChannel(),
                NioSocketChannel::new,
                true);
    }
}
