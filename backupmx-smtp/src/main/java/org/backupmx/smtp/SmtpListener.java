package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.net.InetSocketAddress;
import java.util.List;
import org.backupmx.intake.IpNetwork;

/**
 * An address to listen on, which peers there may speak for their clients, and whether mail is accepted at all. Immutable and thread-safe; the methods
 * that take a setting return a copy with it.
 */
public final class SmtpListener {

    private final InetSocketAddress address;
    private final List<IpNetwork> proxyNetworks;
    private final List<IpNetwork> xclientNetworks;
    private final boolean acceptsMail;

    private SmtpListener(
            InetSocketAddress address,
            List<IpNetwork> proxyNetworks,
            List<IpNetwork> xclientNetworks,
            boolean acceptsMail) {
        this.address = address;
        this.proxyNetworks = proxyNetworks;
        this.xclientNetworks = xclientNetworks;
        this.acceptsMail = acceptsMail;
    }

    /**
     * Returns a listener that trusts nobody and accepts mail.
     *
     * @param address where to listen; port 0 for any free one
     * @return the listener
     * @throws IllegalArgumentException if the address is unresolved
     */
    public static SmtpListener at(InetSocketAddress address) {
        requireNonNull(address, "address");
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("address: " + address + " (expected: a resolved address)");
        }
        return new SmtpListener(address, List.of(), List.of(), true);
    }

    /**
     * Sets the networks of proxies such as HAProxy. A connection from there begins with a PROXY header, version 1 or 2,
     * that names the client; one without a well-formed header within 5 s is closed. From elsewhere the header is a
     * command that nobody knows. None unless set.
     *
     * <p>A proxy may say whatever it likes of its clients: list no network with others in it.
     *
     * @param networks the networks
     * @return a copy with them
     */
    public SmtpListener proxyNetworks(IpNetwork... networks) {
        return new SmtpListener(address, List.of(networks), xclientNetworks, acceptsMail);
    }

    /**
     * Sets the networks of mail proxies and filters that may say who their client is by XCLIENT (Postfix's
     * XCLIENT_README), as often as they like outside a transaction; each time the session begins anew. It is announced to
     * them alone, and others get 550 5.7.0. Behind a PROXY header the client that it names is looked for. None unless set.
     *
     * <p>Who is listed may say whatever it likes of its clients: list no network with others in it.
     *
     * @param networks the networks
     * @return a copy with them
     */
    public SmtpListener xclientNetworks(IpNetwork... networks) {
        return new SmtpListener(address, proxyNetworks, List.of(networks), acceptsMail);
    }

    /**
     * Sets whether mail is accepted. Where it is not, every client gets 521 5.3.2 in place of the banner (RFC 7504): it
     * knows at once that there is no sense in trying again, which an address that nobody answers does not tell it. Mail
     * is accepted unless set.
     *
     * <p>The clients of such a listener take no place among {@link SmtpLimits#connections()}.
     *
     * @param value whether mail is accepted
     * @return a copy with it
     */
    public SmtpListener acceptsMail(boolean value) {
        return new SmtpListener(address, proxyNetworks, xclientNetworks, value);
    }

    /**
     * Tells whether two listeners differ in their addresses alone.
     *
     * @param other another listener
     * @return whether all else that is set is the same
     */
    public boolean isSetAs(SmtpListener other) {
        return proxyNetworks.equals(other.proxyNetworks)
                && xclientNetworks.equals(other.xclientNetworks)
                && acceptsMail == other.acceptsMail;
    }

    /**
     * Returns where to listen.
     *
     * @return the address
     */
    public InetSocketAddress address() {
        return address;
    }

    /**
     * Returns the networks of proxies.
     *
     * @return the networks, unmodifiable
     */
    public List<IpNetwork> proxyNetworks() {
        return proxyNetworks;
    }

    /**
     * Returns the networks of those who may use XCLIENT.
     *
     * @return the networks, unmodifiable
     */
    public List<IpNetwork> xclientNetworks() {
        return xclientNetworks;
    }

    /**
     * Tells whether mail is accepted.
     *
     * @return whether it is
     */
    public boolean acceptsMail() {
        return acceptsMail;
    }
}
