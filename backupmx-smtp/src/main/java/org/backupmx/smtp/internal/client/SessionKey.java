package org.backupmx.smtp.internal.client;

import java.net.InetSocketAddress;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelaySettings;

/**
 * What makes one connection as good as another: all that was settled before the first MAIL.
 *
 * @param address where it goes
 * @param host the name of the next hop: what TLS asks for and what its certificate is compared with
 * @param hostname our name in EHLO
 * @param settings how we present ourselves and what we demand
 */
record SessionKey(InetSocketAddress address, String host, String hostname, RelaySettings settings) {

    static SessionKey of(NextHopAddress nextHop, String hostname, RelaySettings settings) {
        return new SessionKey(
                nextHop.socketAddress(),
                nextHop.nextHop().host(),
                settings.heloName().orElse(hostname),
                settings);
    }
}
