package org.backupmx.intake;

import java.util.List;
import org.backupmx.mail.ReversePath;

/** Verifies clients in some networks. */
record TrustedNetworks(List<IpNetwork> networks) implements SenderVerifier {

    @Override
    public SenderVerification verify(ClientInfo client, String helo, ReversePath reversePath) {
        return networks.stream()
                        .anyMatch(network -> network.contains(client.remote().getAddress()))
                ? SenderVerification.verified("trusted-network")
                : SenderVerification.unverified();
    }

    @Override
    public boolean mayBlock() {
        return false;
    }
}
