package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.backupmx.smtp.internal.transport.RunningLoops;
import org.backupmx.smtp.internal.transport.TransportProof;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.event.Level;

/** Which transport event loops have; with and without the native libraries. */
class EventLoopsTest {

    private static final TransportProof NEVER = (transport, loops) -> {
        throw new IOException("the kernel forbids it");
    };

    @Test
    void autoIsTheJdksWhereNothingProvesItselfAndOneLineSaysWhy() throws Exception {
        try (CapturedLog log = new CapturedLog(RunningLoops.class, Level.INFO);
                EventLoops loops = EventLoops.ofThreads(1).withProof(NEVER)) {
            assertThat(loops.transport()).isEqualTo(Transport.AUTO);
            assertThat(loops.running().transport().name()).isEqualTo("nio");
            assertThat(loops.running()).isSameAs(loops.running());
            assertThat(log.lines()).singleElement().asString().contains("transport is nio", "epoll: ", "io_uring: ");
        }
    }

    @Test
    void autoTrustsTheFirstThatProvesItself() throws Exception {
        TransportProof ioUring = (transport, loops) -> {
            if (!transport.name().equals("io_uring")) {
                throw new IOException("the kernel forbids it");
            }
        };
        try (EventLoops loops = EventLoops.ofThreads(1).withProof(ioUring)) {
            assertThat(loops.running().transport().name()).isEqualTo(isThere(Transport.IO_URING) ? "io_uring" : "nio");
        }
    }

    private static boolean isThere(Transport transport) {
        try (EventLoops loops = EventLoops.ofThreads(1).withTransport(transport).withProof((t, l) -> {})) {
            return loops.running().group() != null;
        } catch (IOException e) {
            return false;
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Transport.class,
            names = {"EPOLL", "IO_URING"})
    void aNamedOneThatDoesNotWorkIsToldWithWhatToDo(Transport transport) {
        String name = transport.name().toLowerCase(java.util.Locale.ROOT);
        EventLoops loops = EventLoops.ofThreads(1).withTransport(transport).withProof(NEVER);
        assertThatThrownBy(loops::running)
                .isInstanceOf(IOException.class)
                .message()
                .startsWith("transport " + name + " does not work here: ")
                .contains(isThere(transport) ? "the kernel forbids it" : "no META-INF/native/")
                .contains("expected: io.netty:netty-transport-native-" + name)
                .doesNotContain("\n");
        loops.close();
    }

    @Test
    void nioNeedsNoProof() throws Exception {
        try (EventLoops loops =
                EventLoops.ofThreads(1).withTransport(Transport.NIO).withProof(NEVER)) {
            assertThat(loops.running().transport().name()).isEqualTo("nio");
        }
    }

    @Test
    void aServerAndAClientDoNotStartOnATransportThatDoesNotWork() throws Exception {
        try (EventLoops loops =
                EventLoops.ofThreads(1).withTransport(Transport.EPOLL).withProof(NEVER)) {
            SmtpServer server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .eventLoops(loops);
            assertThatThrownBy(() -> server.start(new ScriptedIntake())
                            .toCompletableFuture()
                            .join())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IOException.class)
                    .hasMessageContaining("transport epoll does not work here");
            server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
            SmtpClient client = SmtpClient.create().withEventLoops(loops);
            assertThatThrownBy(() -> client.start().toCompletableFuture().join())
                    .hasMessageContaining("transport epoll does not work here");
            client.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void closedOnesAreNotStarted() {
        EventLoops loops = EventLoops.create();
        loops.close();
        assertThatThrownBy(loops::running).hasMessage("event loops: closed (expected: open)");
    }
}
