package org.backupmx.smtp;

import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;

/** Another relay client that goes to other ports: mail by MX goes to port 25, which a test cannot have. Counts its calls. */
final class PortMapping implements RelayClient {

    private final RelayClient client;
    private final Map<InetAddress, Integer> ports;
    private final AtomicInteger calls = new AtomicInteger();

    PortMapping(RelayClient client, Map<InetAddress, Integer> ports) {
        this.client = client;
        this.ports = ports;
    }

    /** Returns how many attempts and probes there were. */
    int calls() {
        return calls.get();
    }

    private NextHopAddress mapped(NextHopAddress hop) {
        calls.incrementAndGet();
        int port = ports.getOrDefault(hop.address(), hop.nextHop().port());
        return new NextHopAddress(new NextHop(hop.nextHop().host(), port), hop.address());
    }

    @Override
    public CompletionStage<Void> start() {
        return client.start();
    }

    @Override
    public CompletionStage<RelayResult> relay(RelayRequest request) {
        return client.relay(new RelayRequest(
                mapped(request.nextHop()),
                request.hostname(),
                request.envelope(),
                request.recipients(),
                request.mailData()));
    }

    @Override
    public CompletionStage<ProbeResult> probe(ProbeRequest request) {
        return client.probe(new ProbeRequest(
                mapped(request.nextHop()), request.hostname(), request.depth(), request.domain(), request.timeout()));
    }

    @Override
    public CompletionStage<Void> stop(Duration grace) {
        return client.stop(grace);
    }
}
