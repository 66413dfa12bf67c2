package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

class BindFailureTest {

    private static String message(String address, int port, IOException cause) throws Exception {
        return new BindFailure(new InetSocketAddress(InetAddress.getByName(address), port), cause).getMessage();
    }

    @Test
    void aPortOfTheSystemsNeedsMoreRights() throws Exception {
        String hint = " Permission denied (expected: root, CAP_NET_BIND_SERVICE or a lower"
                + " net.ipv4.ip_unprivileged_port_start for a port below 1024)";
        assertThat(message("127.0.0.1", 25, new BindException("Permission denied")))
                .isEqualTo("cannot listen on 127.0.0.1:25:" + hint);
        // as Netty's native libraries put it
        assertThat(message("::", 25, new BindException("bind(..) failed with error(-13): Permission denied")))
                .isEqualTo("cannot listen on [::]:25:" + hint);
    }

    @Test
    void whatIsNotKnownIsPassedOnInOneLine() throws Exception {
        assertThat(message("2001:db8::1", 2525, new BindException("Odd\nin two lines")))
                .isEqualTo("cannot listen on [2001:db8::1]:2525: Odd");
        assertThat(message("0.0.0.0", 0, new IOException())).isEqualTo("cannot listen on 0.0.0.0:0: null");
    }
}
