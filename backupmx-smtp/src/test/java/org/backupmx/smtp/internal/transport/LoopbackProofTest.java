package org.backupmx.smtp.internal.transport;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIOException;

import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.SocketAddress;
import org.backupmx.smtp.Transport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LoopbackProofTest {

    private static final SocketTransport NIO = SocketTransport.nio();

    private final TransportProof proof = TransportProof.loopback();
    private RunningLoops loops;

    @BeforeEach
    void start() throws IOException {
        loops = RunningLoops.start(1, Transport.NIO, proof);
    }

    @AfterEach
    void close() {
        loops.close();
    }

    @Test
    void whatWorksIsTrusted() {
        assertThatCode(() -> proof.prove(NIO, loops.group())).doesNotThrowAnyException();
    }

    @Test
    void aLibraryOfAnotherVersionIsNotTrusted() {
        SocketTransport lacking = new SocketTransport(
                "lacking",
                NIO.handlers(),
                address -> {
                    throw new NoClassDefFoundError("io/netty/channel/unix/Errors");
                },
                NIO.client(),
                true);
        assertThatIOException()
                .isThrownBy(() -> proof.prove(lacking, loops.group()))
                .withMessage("no class io.netty.channel.unix.Errors");
    }

    @Test
    void aBindThatTheKernelRefusesIsTold() {
        SocketTransport refusing = new SocketTransport(
                "refusing",
                NIO.handlers(),
                address -> new NioServerSocketChannel() {
                    @Override
                    protected void doBind(SocketAddress local) throws IOException {
                        throw new IOException("Operation not permitted");
                    }
                },
                NIO.client(),
                true);
        assertThatIOException()
                .isThrownBy(() -> proof.prove(refusing, loops.group()))
                .withMessage("Operation not permitted");
    }

    @Test
    void aConnectThatTheKernelRefusesIsTold() {
        SocketTransport refusing = new SocketTransport(
                "refusing",
                NIO.handlers(),
                NIO.server(),
                () -> new NioSocketChannel() {
                    @Override
                    protected boolean doConnect(SocketAddress remote, SocketAddress local) throws IOException {
                        throw new IOException("Operation not permitted");
                    }
                },
                true);
        assertThatIOException()
                .isThrownBy(() -> proof.prove(refusing, loops.group()))
                .withMessage("Operation not permitted");
    }

    @Test
    void aConnectionThatCarriesNothingIsNotTrusted() {
        SocketTransport deaf = new SocketTransport(
                "deaf",
                NIO.handlers(),
                NIO.server(),
                () -> new NioSocketChannel() {
                    @Override
                    protected int doReadBytes(io.netty.buffer.ByteBuf into) throws Exception {
                        throw new IOException("Function not implemented");
                    }
                },
                true);
        assertThatIOException()
                .isThrownBy(() -> proof.prove(deaf, loops.group()))
                .withMessage("Function not implemented");
    }

    @Test
    void eventLoopsThatHaveEndedAreNotWaitedForWithoutEnd() {
        loops.close();
        assertThatIOException().isThrownBy(() -> proof.prove(NIO, loops.group()));
    }
}
