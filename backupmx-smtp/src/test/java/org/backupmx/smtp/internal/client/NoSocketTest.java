package org.backupmx.smtp.internal.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.smtp.ClientLimits;
import org.backupmx.smtp.ClientTimeouts;
import org.backupmx.smtp.Transport;
import org.backupmx.smtp.internal.transport.RunningLoops;
import org.backupmx.smtp.internal.transport.SocketTransport;
import org.backupmx.smtp.internal.transport.TransportProof;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Without a file descriptor or a port of ours nothing is known of a primary: it must not count as unreachable. */
class NoSocketTest {

    private static void probeFails(Supplier<SocketChannel> sockets) throws Exception {
        RunningLoops loops = new RunningLoops(
                new SocketTransport(
                        "broken",
                        NioIoHandler::newFactory,
                        SocketTransport.nio().server(),
                        sockets,
                        true),
                new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory()));
        RelayEngine engine = new RelayEngine(loops, ClientTimeouts.rfc5321(), ClientLimits.defaults(), true);
        CompletionStage<ProbeResult> probe = engine.probe(new ProbeRequest(
                new NextHopAddress(new NextHop("127.0.0.1", 25), InetAddress.getLoopbackAddress()),
                "mx2.test",
                ProbeDepth.RCPT,
                MailDomain.of("example.test"),
                Duration.ofSeconds(20)));

        assertThatThrownBy(() -> probe.toCompletableFuture().get(10, TimeUnit.SECONDS))
                .cause()
                .isInstanceOf(IOException.class)
                .hasMessage("No socket to connect with");

        CompletionStage<Void> stopped = engine.stop(Duration.ofMinutes(1));
        assertThat(stopped.toCompletableFuture()).succeedsWithin(Duration.ofSeconds(10));
        loops.close();
    }

    @Test
    void noFileDescriptor() throws Exception {
        probeFails(() -> {
            throw new ChannelException("Unable to create Channel", new IOException("Too many open files"));
        });
    }

    private static void probeFailsToConnect(Exception fault) throws Exception {
        probeFails(() -> new NioSocketChannel() {
            @Override
            protected boolean doConnect(SocketAddress remote, SocketAddress local) throws Exception {
                throw fault;
            }
        });
    }

    @Test
    void noPort() throws Exception {
        probeFailsToConnect(new BindException("Cannot assign requested address"));
    }

    @Test
    void noPortInAnotherLanguage() throws Exception {
        probeFailsToConnect(new BindException("Die angeforderte Adresse kann nicht zugewiesen werden"));
        probeFailsToConnect(new ConnectException(
                "connect(..) failed with error(-99): Die angeforderte Adresse kann nicht zugewiesen werden"));
    }

    @ParameterizedTest
    @EnumSource(
            value = Transport.class,
            names = {"AUTO", "NIO"})
    void everyTransportTellsByNumberOrKind(Transport named) throws Exception {
        RunningLoops loops = RunningLoops.start(1, named, TransportProof.loopback());
        try {
            ChannelFuture connected = new Bootstrap()
                    .group(loops.next())
                    .channelFactory(loops.transport().client()::get)
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 9),
                            new InetSocketAddress(InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, 1}), 0));
            assertThat(connected.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(OwnEnd.failed(requireNonNull(connected.cause())))
                    .as(loops.transport().name() + ": " + connected.cause())
                    .isTrue();
        } finally {
            loops.close();
        }
    }

    @Test
    void aRefusalIsNotOurs() {
        assertThat(OwnEnd.failed(new ConnectException("connect(..) failed with error(-111): Connection refused")))
                .isFalse();
        assertThat(OwnEnd.failed(new IOException())).isFalse();
    }
}
