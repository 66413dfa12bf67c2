package org.backupmx.internal.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.junit.jupiter.api.Test;

class NetworkLedgerTest {

    private static final Instant NOW = Instant.parse("2026-11-23T12:00:00Z");

    private final List<MailDomain> asked = new ArrayList<>();
    private final NetworkLedger ledger = new NetworkLedger(domain -> {
        asked.add(domain);
        return Optional.empty();
    });

    private void deferred(int network, String domain) throws Exception {
        byte[] address = {10, (byte) (network >> 8), (byte) network, 1};
        ledger.deferred(
                new Arrival(
                        InetAddress.getByAddress(address),
                        ReversePath.nullPath(),
                        new Mailbox("user", MailDomain.of(domain))),
                1,
                NOW);
    }

    @Test
    void neitherNetworksNorDomainsOfStrangersGrowWithoutBound() throws Exception {
        for (int i = 0; i < NetworkLedger.MOST_OPEN; i++) {
            deferred(i, "first.test");
        }
        for (int i = 0; i < 1_000; i++) {
            deferred(i, "d" + i + ".wild.test");
        }
        ledger.settle(NOW);
        assertThat(asked).containsExactly(MailDomain.of("first.test"));
        deferred(1, "again.test"); // what is settled makes room
        ledger.settle(NOW);
        assertThat(asked).hasSize(2);
    }
}
