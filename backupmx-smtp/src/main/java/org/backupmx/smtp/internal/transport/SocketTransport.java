package org.backupmx.smtp.internal.transport;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import java.net.InetAddress;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What event loops of one transport are made of, and the channels that go on them.
 *
 * @param name what it is called in the configuration and in the log
 * @param handlers what makes the event loops' part of it
 * @param server makes a channel to listen on an address: on an IPv4 one for IPv4 alone
 * @param client makes a channel to connect with
 * @param readsAtOnce whether a read is over when the event loop goes on, so that channels may read into one buffer in turn
 */
public record SocketTransport(
        String name,
        Supplier<IoHandlerFactory> handlers,
        Function<InetAddress, ServerSocketChannel> server,
        Supplier<SocketChannel> client,
        boolean readsAtOnce) {

    /** Returns the JDK's, which works everywhere. */
    public static SocketTransport nio() {
        return NioTransport.create();
    }
}
