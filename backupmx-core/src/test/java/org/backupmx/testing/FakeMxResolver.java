package org.backupmx.testing;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.MailDomain;

/**
 * A DNS in memory. What was not put there does not exist. Answers come at once, on the caller's thread. Thread-safe.
 *
 * <p>Mind that routes refuse private, loopback and documentation addresses that come from here unless the destination
 * allows them.
 */
public final class FakeMxResolver implements MxResolver {

    private final Map<MailDomain, MxLookup> domains = new ConcurrentHashMap<>();
    private final Map<String, AddressLookup> hosts = new ConcurrentHashMap<>();
    private final Queue<String> queries = new ConcurrentLinkedQueue<>();

    /** Gives a domain MX records, each written {@code 10 mx1.example.net}. */
    public FakeMxResolver mx(String domain, String... records) {
        List<MailExchanger> exchangers = new ArrayList<>();
        for (String entry : records) {
            String[] parts = entry.split(" ", 2);
            exchangers.add(new MailExchanger(parts[1], Integer.parseInt(parts[0])));
        }
        return lookup(domain, new MxLookup.Found(exchangers));
    }

    /** Gives a host addresses, written as numbers. */
    public FakeMxResolver host(String host, String... addresses) {
        return host(
                host,
                new AddressLookup.Found(
                        Arrays.stream(addresses).map(FakeMxResolver::address).toList()));
    }

    /** Makes a domain exist without MX records. */
    public FakeMxResolver noMx(String domain) {
        return lookup(domain, new MxLookup.ImplicitMx(MailDomain.of(domain).toString()));
    }

    /** Sets the answer about a domain's mail exchangers. */
    public FakeMxResolver lookup(String domain, MxLookup answer) {
        domains.put(MailDomain.of(domain), requireNonNull(answer, "answer"));
        return this;
    }

    /** Sets the answer about a host's addresses. */
    public FakeMxResolver host(String host, AddressLookup answer) {
        hosts.put(host.toLowerCase(Locale.ROOT), requireNonNull(answer, "answer"));
        return this;
    }

    /** Returns what has been asked, in order: {@code MX example.org}, {@code A mx1.example.net}. */
    public List<String> queries() {
        return List.copyOf(queries);
    }

    @Override
    public CompletionStage<MxLookup> lookup(MailDomain domain) {
        queries.add("MX " + domain);
        return CompletableFuture.completedFuture(domains.getOrDefault(domain, new MxLookup.NoSuchDomain()));
    }

    @Override
    public CompletionStage<AddressLookup> addresses(String host) {
        queries.add("A " + host);
        return CompletableFuture.completedFuture(
                hosts.getOrDefault(host.toLowerCase(Locale.ROOT), new AddressLookup.NoSuchHost()));
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("address: " + text + " (expected: an IP address)", e);
        }
    }
}
