package org.backupmx.smtp.internal.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.smtp.internal.codec.MalformedReplyException;
import org.junit.jupiter.api.Test;

class InputLimitTest {

    @Test
    void oneOctetTooManyEndsIt() {
        List<Throwable> faults = new ArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel(new InputLimit(10), new ChannelInboundHandlerAdapter() {
            @Override
            public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                faults.add(cause);
            }
        });
        ByteBuf last = Unpooled.wrappedBuffer(new byte[1]);

        assertThat(channel.writeInbound(Unpooled.wrappedBuffer(new byte[4]), Unpooled.wrappedBuffer(new byte[6])))
                .isTrue();
        assertThat(faults).isEmpty();
        channel.writeInbound(last);

        assertThat(faults)
                .singleElement()
                .isInstanceOfSatisfying(
                        MalformedReplyException.class,
                        fault -> assertThat(fault.reason()).isEqualTo("more than 10 octets"));
        assertThat(last.refCnt()).isZero();
        assertThat(channel.inboundMessages()).hasSize(2);
        channel.finishAndReleaseAll();
    }
}
