package org.backupmx.smtp.internal.server;

import static java.util.Objects.requireNonNull;

import io.netty.channel.Channel;
import io.netty.handler.codec.haproxy.HAProxyCommand;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyProxiedProtocol.TransportProtocol;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.codec.XclientCommand;
import org.backupmx.smtp.internal.codec.XclientCommand.Attribute;
import org.jspecify.annotations.Nullable;

/** Who the client of a session is, the peer or whom a trusted peer names, and its place among the connections. */
final class SessionClient {

    private final ConnectionLimiter limiter;
    private final SmtpListener listener;
    /** The peer, or whom its PROXY header names. */
    private @Nullable ClientInfo connected;
    /** The same, or whom XCLIENT tells. */
    private @Nullable ClientInfo client;

    private final Map<Attribute, String> told = new EnumMap<>(Attribute.class);
    private boolean proxied;
    private boolean mayName;

    private boolean entered;
    private boolean refused;
    /** Whose share of connections this one is; null for a trusted peer that has named nobody. */
    private @Nullable InetAddress share;

    SessionClient(ConnectionLimiter limiter, SmtpListener listener) {
        this.limiter = limiter;
        this.listener = listener;
    }

    /** Takes the peer for the client, and returns why it must leave, or null. */
    @Nullable
    FixedReply connected(Channel channel) {
        InetSocketAddress remote = (InetSocketAddress) channel.remoteAddress();
        proxied = contains(listener.proxyNetworks(), remote.getAddress());
        return enter(new ClientInfo(remote, (InetSocketAddress) channel.localAddress()));
    }

    /** Tells whether the peer is a proxy, which must name its client. */
    boolean isProxied() {
        return proxied;
    }

    /**
     * Takes the client that a proxy names, and returns why it must leave, or null. A proxy that speaks for itself (LOCAL),
     * or for a client without an IP address, stays what it is.
     *
     * @throws IllegalArgumentException if the header names a client that cannot be one of ours
     */
    @Nullable
    FixedReply named(HAProxyMessage header) {
        if (header.proxiedProtocol().transportProtocol() == TransportProtocol.DGRAM
                && header.command() == HAProxyCommand.PROXY) {
            throw new IllegalArgumentException("datagrams in the PROXY header");
        }
        switch (header.proxiedProtocol().addressFamily()) {
            case AF_IPv4, AF_IPv6 -> {
                ClientInfo named = new ClientInfo(
                        address(header.sourceAddress(), header.sourcePort()),
                        address(header.destinationAddress(), header.destinationPort()));
                leave();
                proxied = false;
                return enter(named);
            }
            default -> {
                return null;
            }
        }
    }

    private static InetSocketAddress address(@Nullable String literal, int port) {
        byte[] octets = literal == null ? null : NetUtil.createByteArrayFromIpAddressString(literal);
        try {
            return new InetSocketAddress(InetAddress.getByAddress(octets == null ? new byte[0] : octets), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("bad address in the PROXY header", e);
        }
    }

    private static boolean contains(Iterable<IpNetwork> networks, InetAddress address) {
        for (IpNetwork network : networks) {
            if (network.contains(address)) {
                return true;
            }
        }
        return false;
    }

    private @Nullable FixedReply enter(ClientInfo named) {
        connected = named;
        client = named;
        mayName = contains(listener.xclientNetworks(), named.remote().getAddress());
        return enter();
    }

    private @Nullable FixedReply enter() {
        boolean trusted = (proxied || mayName) && !told.containsKey(Attribute.ADDR);
        InetAddress sharing = trusted ? null : info().remote().getAddress();
        FixedReply refusal = limiter.enter(sharing);
        if (refusal == null) {
            entered = true;
            share = sharing;
        }
        return refusal;
    }

    /** Gives its place up; the connection is gone, or another client's. */
    void leave() {
        if (entered) {
            limiter.leave(share);
            entered = false;
        }
        if (refused) {
            limiter.leaveRefused();
            refused = false;
        }
    }

    /** Gives its place up for one among the clients that are refused, and tells whether there was one. */
    boolean refused() {
        leave();
        refused = limiter.enterRefused();
        return refused;
    }

    /** Tells whether the client is one that XCLIENT has told of. */
    boolean isTold() {
        return !told.isEmpty();
    }

    /** Tells whether the peer may say by XCLIENT who its client is. */
    boolean mayName() {
        return mayName;
    }

    /**
     * Takes the client that XCLIENT tells, and returns why it must leave, or null. What an earlier one told holds on unless
     * told otherwise; a port belongs to its address.
     */
    @Nullable
    FixedReply named(XclientCommand xclient) {
        if (xclient.values().containsKey(Attribute.ADDR)) {
            told.remove(Attribute.PORT);
        }
        if (xclient.values().containsKey(Attribute.DESTADDR)) {
            told.remove(Attribute.DESTPORT);
        }
        xclient.values()
                .forEach((attribute, value) ->
                        value.ifPresentOrElse(known -> told.put(attribute, known), () -> told.remove(attribute)));
        ClientInfo before = requireNonNull(connected);
        client = new ClientInfo(
                told(Attribute.ADDR, Attribute.PORT, before.remote()),
                told(Attribute.DESTADDR, Attribute.DESTPORT, before.local()),
                Optional.ofNullable(told.get(Attribute.NAME)),
                Optional.ofNullable(told.get(Attribute.LOGIN)));
        leave();
        return enter();
    }

    private InetSocketAddress told(Attribute address, Attribute port, InetSocketAddress otherwise) {
        String literal = told.get(address);
        String number = told.get(port);
        InetAddress known = literal == null ? otherwise.getAddress() : XclientCommand.address(literal);
        int unknownPort = literal == null ? otherwise.getPort() : 0;
        return new InetSocketAddress(known, number == null ? unknownPort : Integer.parseInt(number));
    }

    /** Returns the name of the client's HELO or EHLO as XCLIENT tells it, else {@code given}. */
    String heloName(String given) {
        return told.getOrDefault(Attribute.HELO, given);
    }

    /** Tells whether the client speaks ESMTP as XCLIENT tells it, else {@code given}. */
    boolean isExtended(boolean given) {
        String protocol = told.get(Attribute.PROTO);
        return protocol == null ? given : protocol.equalsIgnoreCase("ESMTP");
    }

    ClientInfo info() {
        return requireNonNull(client);
    }

    /** Names the client in the log. */
    @Override
    public String toString() {
        return client == null ? "" : client.remote().toString();
    }
}
