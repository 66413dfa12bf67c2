package org.backupmx.smtp.internal.server;

import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetSocketAddress;

/** Why an address cannot be listened on, and what to do about it, on one line. */
final class BindFailure extends IOException {

    private static final long serialVersionUID = 1;

    BindFailure(InetSocketAddress address, Throwable cause) {
        this(address, reason(String.valueOf(cause.getMessage())), cause);
    }

    private BindFailure(InetSocketAddress address, String reason, Throwable cause) {
        super("cannot listen on " + NetUtil.toSocketAddressString(address) + ": " + reason, cause);
    }

    /** An address of IPv4 that a listener on all of IPv6 would take as well. */
    static BindFailure coveredOtherwise(InetSocketAddress address) {
        return new BindFailure(
                address,
                "[::]:" + address.getPort() + " takes IPv4 as well (expected: the same settings for both)",
                new IllegalArgumentException("two listeners"));
    }

    // the text of the system, as the JDK and Netty's native libraries pass it on
    private static String reason(String message) {
        if (message.contains("Permission denied")) {
            return "Permission denied (expected: root, CAP_NET_BIND_SERVICE or a lower"
                    + " net.ipv4.ip_unprivileged_port_start for a port below 1024)";
        }
        if (message.contains("Address already in use")) {
            return "Address already in use (expected: a free port; `ss -ltnp` shows who has it)";
        }
        if (message.contains("Cannot assign requested address")) {
            return "Cannot assign requested address (expected: an address of this machine; `ip address` shows them)";
        }
        return message.lines().findFirst().orElse("");
    }
}
