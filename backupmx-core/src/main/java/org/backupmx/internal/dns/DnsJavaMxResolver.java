package org.backupmx.internal.dns;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.MailDomain;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.ExtendedErrorCodeOption;
import org.xbill.DNS.ExtendedResolver;
import org.xbill.DNS.MXRecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Resolver;
import org.xbill.DNS.ResolverConfig;
import org.xbill.DNS.SimpleResolver;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;
import org.xbill.DNS.lookup.LookupResult;
import org.xbill.DNS.lookup.LookupSession;
import org.xbill.DNS.lookup.NoSuchDomainException;
import org.xbill.DNS.lookup.ServerFailedException;

/** The DNS by dnsjava's asynchronous look-ups. */
public final class DnsJavaMxResolver implements MxResolver {

    private static final int MAX_SERVERS = 8;
    /** dnsjava refuses at the number, not beyond it; 8 are followed. */
    private static final int MAX_REDIRECTS = 9;

    private static final int TRIES_PER_SERVER = 2;
    private static final Duration SERVER_TIMEOUT = Duration.ofSeconds(4);
    private static final Duration TIMEOUT = Duration.ofSeconds(15);

    /** What every resolver on the way takes in one UDP packet without fragments. */
    private static final int UDP_PAYLOAD = 1232;

    private final LookupSession session;
    private final LookupSession afresh;
    private final Duration timeout;

    DnsJavaMxResolver(List<InetSocketAddress> servers, Duration serverTimeout, Duration timeout, Ticker ticker) {
        this.timeout = requireNonNull(timeout, "timeout");
        if (servers.isEmpty() || servers.size() > MAX_SERVERS) {
            throw new IllegalArgumentException("servers: " + servers.size() + " (expected: 1 to " + MAX_SERVERS + ")");
        }
        List<Resolver> resolvers = new ArrayList<>();
        for (InetSocketAddress server : servers) {
            if (server.isUnresolved()) {
                throw new IllegalArgumentException("servers: " + server + " (expected: resolved)");
            }
            SimpleResolver resolver = servers.size() == 1 ? new SimpleResolver(server) : new OneOfSeveral(server);
            resolver.setTimeout(serverTimeout);
            resolver.setEDNS(0, UDP_PAYLOAD, 0, List.of());
            resolvers.add(resolver);
        }
        ExtendedResolver all = new ExtendedResolver(resolvers);
        all.setRetries(TRIES_PER_SERVER);
        all.setTimeout(timeout);
        CachingResolver caching = new CachingResolver(all, ticker);
        this.session = session(caching);
        this.afresh = session(caching.afresh());
    }

    private DnsJavaMxResolver(DnsJavaMxResolver from) {
        this.timeout = from.timeout;
        this.session = from.afresh;
        this.afresh = from.afresh;
    }

    private static LookupSession session(Resolver resolver) {
        // Runnable::run: what follows an answer is short, and the common pool is the host application's.
        return LookupSession.builder()
                .resolver(resolver)
                .maxRedirects(MAX_REDIRECTS)
                .executor(Runnable::run)
                .build();
    }

    @Override
    public MxResolver afresh() {
        return new DnsJavaMxResolver(this);
    }

    /** See {@link MxResolver#system()}. */
    public static MxResolver system() {
        List<InetSocketAddress> servers = new ResolverConfig().servers();
        return of(servers.subList(0, Math.min(servers.size(), MAX_SERVERS)));
    }

    /** See {@link MxResolver#of}. */
    public static MxResolver of(List<InetSocketAddress> servers) {
        return new DnsJavaMxResolver(servers, SERVER_TIMEOUT, TIMEOUT, Ticker.systemTicker());
    }

    @Override
    public CompletionStage<MxLookup> lookup(MailDomain domain) {
        Optional<Name> name = domain.isAddressLiteral() ? Optional.empty() : name(domain.toString());
        if (name.isEmpty()) {
            return CompletableFuture.completedFuture(new MxLookup.NoSuchDomain());
        }
        return result(name.get(), Type.MX)
                .thenApply(result -> exchangers(result.getRecords(), domain))
                .exceptionally(fault -> isNoSuchName(fault)
                        ? new MxLookup.NoSuchDomain()
                        : new MxLookup.TemporaryFailure(reason(fault)));
    }

    private static MxLookup exchangers(List<Record> records, MailDomain domain) {
        if (records.isEmpty()) {
            return new MxLookup.ImplicitMx(domain.toString());
        }
        // The root is no host: alone it is the null MX, among others a mistake that is passed over.
        List<MailExchanger> exchangers = records.stream()
                .map(MXRecord.class::cast)
                .filter(mx -> !mx.getTarget().equals(Name.root))
                .map(mx -> new MailExchanger(mx.getTarget().toString(true), mx.getPriority()))
                .distinct()
                .sorted(Comparator.comparingInt(MailExchanger::preference))
                .limit(MxLookup.MAX_EXCHANGERS)
                .toList();
        return exchangers.isEmpty() ? new MxLookup.NullMx() : new MxLookup.Found(exchangers);
    }

    @Override
    public CompletionStage<AddressLookup> addresses(String host) {
        Optional<Name> name = name(requireNonNull(host, "host"));
        if (name.isEmpty()) {
            return CompletableFuture.completedFuture(new AddressLookup.NoSuchHost());
        }
        return family(name.get(), Type.AAAA).thenCombine(family(name.get(), Type.A), DnsJavaMxResolver::either);
    }

    private CompletionStage<AddressLookup> family(Name name, int type) {
        return result(name, type)
                .thenApply(DnsJavaMxResolver::addresses)
                .exceptionally(fault -> isNoSuchName(fault)
                        ? new AddressLookup.NoSuchHost()
                        : new AddressLookup.TemporaryFailure(reason(fault)));
    }

    private static AddressLookup addresses(LookupResult result) {
        List<InetAddress> addresses = result.getRecords().stream()
                .map(DnsJavaMxResolver::address)
                .flatMap(Optional::stream)
                .distinct()
                .toList();
        return addresses.isEmpty()
                ? new AddressLookup.NoSuchHost()
                : new AddressLookup.Found(addresses, !result.getAliases().isEmpty());
    }

    private static Optional<InetAddress> address(Record rr) {
        try {
            // Java makes an IPv4 address of a v4-mapped one. That has no business in the DNS, but may be ours.
            return rr instanceof ARecord || rr instanceof AAAARecord
                    ? Optional.of(InetAddress.getByAddress(rr.rdataToWireCanonical()))
                    : Optional.empty();
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static AddressLookup either(AddressLookup v6, AddressLookup v4) {
        if (v6 instanceof AddressLookup.Found six && v4 instanceof AddressLookup.Found four) {
            List<InetAddress> both = new ArrayList<>(six.addresses());
            both.addAll(four.addresses());
            return new AddressLookup.Found(both.stream().distinct().toList(), six.isAlias() || four.isAlias());
        }
        if (v6 instanceof AddressLookup.Found || v4 instanceof AddressLookup.NoSuchHost) {
            return v6;
        }
        return v4;
    }

    private CompletionStage<LookupResult> result(Name name, int type) {
        return session.lookupAsync(name, type)
                .toCompletableFuture()
                .copy()
                .orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static Optional<Name> name(String text) {
        try {
            return Optional.of(Name.fromString(text, Name.root));
        } catch (TextParseException e) {
            return Optional.empty();
        }
    }

    private static boolean isNoSuchName(Throwable fault) {
        return cause(fault) instanceof NoSuchDomainException;
    }

    private static String reason(Throwable fault) {
        Throwable cause = cause(fault);
        String message = cause.getMessage();
        // what a validating resolver gives as its reason (RFC 8914), such as DNSSEC_BOGUS
        String told = cause instanceof ServerFailedException failed && failed.getExtendedRcode() != null
                ? " (" + ExtendedErrorCodeOption.text(failed.getExtendedRcode().getErrorCode()) + ")"
                : "";
        return cause.getClass().getSimpleName() + (message == null ? "" : ": " + message) + told;
    }

    private static Throwable cause(Throwable fault) {
        Throwable cause = fault instanceof CompletionException ? fault.getCause() : fault;
        return cause == null ? fault : cause;
    }
}
