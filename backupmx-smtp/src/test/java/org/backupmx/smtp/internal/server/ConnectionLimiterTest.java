package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.backupmx.smtp.SmtpLimits;
import org.junit.jupiter.api.Test;

class ConnectionLimiterTest {

    private static ConnectionLimiter limiter(int all, int perClient) {
        return new ConnectionLimiter(SmtpLimits.builder()
                .connections(all)
                .connectionsPerClient(perClient)
                .build());
    }

    private static InetAddress address(String literal) throws Exception {
        return InetAddress.getByName(literal);
    }

    @Test
    void addressesOfOneIpv6NetworkAreOneClient() throws Exception {
        ConnectionLimiter limiter = limiter(100, 2);
        assertThat(limiter.enter(address("2001:db8:0:1::1"))).isNull();
        assertThat(limiter.enter(address("2001:db8:0:1:ffff:ffff:ffff:ffff"))).isNull();
        assertThat(limiter.enter(address("2001:db8:0:1:8000::"))).isSameAs(FixedReply.CLIENT_FULL);
        assertThat(limiter.enter(address("2001:db8:0:2::1"))).isNull();
        assertThat(limiter.enter(address("2001:db8:0:0:ffff:ffff:ffff:ffff"))).isNull();
        assertThat(limiter.count()).isEqualTo(4);
        // whoever of the network leaves makes room for whoever of it comes
        limiter.leave(address("2001:db8:0:1::1"));
        assertThat(limiter.enter(address("2001:db8:0:1::3"))).isNull();
        assertThat(limiter.enter(address("2001:db8:0:1::4"))).isSameAs(FixedReply.CLIENT_FULL);
    }

    @Test
    void ipv4AddressesAreClientsEach() throws Exception {
        ConnectionLimiter limiter = limiter(100, 1);
        assertThat(limiter.enter(address("192.0.2.1"))).isNull();
        assertThat(limiter.enter(address("192.0.2.2"))).isNull();
        assertThat(limiter.enter(address("255.255.255.255"))).isNull();
        assertThat(limiter.enter(address("::ffff:192.0.2.1"))).isSameAs(FixedReply.CLIENT_FULL);
        assertThat(limiter.enter(address("::c000:201"))).isNull();
    }

    @Test
    void aClientThatIsRefusedTakesNoPlace() throws Exception {
        ConnectionLimiter limiter = limiter(2, 1);
        assertThat(limiter.enter(address("192.0.2.1"))).isNull();
        for (int i = 0; i < 10; i++) {
            assertThat(limiter.enter(address("192.0.2.1"))).isSameAs(FixedReply.CLIENT_FULL);
        }
        assertThat(limiter.enter(address("192.0.2.2"))).isNull();
        for (int i = 0; i < 10; i++) {
            assertThat(limiter.enter(address("192.0.2.3"))).isSameAs(FixedReply.FULL);
        }
        limiter.leave(address("192.0.2.1"));
        assertThat(limiter.enter(address("192.0.2.3"))).isNull();
    }

    @Test
    void countsAsAListOfThoseWithinDoes() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        ConnectionLimiter limiter = limiter(12, 3);
        List<String> networks = new ArrayList<>();
        List<InetAddress> within = new ArrayList<>();
        for (int step = 0; step < 5000; step++) {
            if (!within.isEmpty() && random.nextInt(5) < 2) {
                int leaving = random.nextInt(within.size());
                networks.remove(leaving);
                limiter.leave(within.remove(leaving));
            } else {
                String network = "2001:db8:0:" + random.nextInt(6) + ":";
                InetAddress client = address(network + Integer.toHexString(random.nextInt(1 << 16)) + "::1");
                long ofNetwork = networks.stream().filter(network::equals).count();
                FixedReply expected =
                        within.size() == 12 ? FixedReply.FULL : ofNetwork == 3 ? FixedReply.CLIENT_FULL : null;
                assertThat(limiter.enter(client))
                        .as("seed %d step %d", seed, step)
                        .isSameAs(expected);
                if (expected == null) {
                    networks.add(network);
                    within.add(client);
                }
            }
            assertThat(limiter.count()).as("seed %d step %d", seed, step).isEqualTo(within.size());
        }
    }
}
