package org.backupmx.internal.runtime;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.OwnIdentity;

/**
 * Tells by the DNS whether we are backup MX of a domain: one of its mail exchangers is us, and each address of those with
 * the lowest preference number, which must be lower than ours, is within the networks of primaries. Thread-safe.
 *
 * <p>One address outside would do to have mail relayed there, so all of them count.
 */
public final class DestinationCheck {

    /** The most mail exchangers whose addresses are looked up. */
    private static final int MAX_HOSTS = 20;

    private final MxResolver resolver;
    private final OwnIdentity identity;
    private final List<IpNetwork> networks;

    /**
     * Makes a check.
     *
     * @param resolver the DNS
     * @param identity by what we know ourselves
     * @param networks where primaries are
     */
    public DestinationCheck(MxResolver resolver, OwnIdentity identity, List<IpNetwork> networks) {
        this.resolver = resolver;
        this.identity = identity;
        this.networks = networks;
    }

    /** Tells whether we are; fails with {@link DnsUnavailableException} if that cannot be told now. */
    CompletionStage<Boolean> permits(MailDomain domain) {
        return resolver.lookup(domain).thenCompose(lookup -> {
            if (lookup instanceof MxLookup.Found found) {
                return permits(found.exchangers());
            }
            return lookup instanceof MxLookup.TemporaryFailure failure
                    ? CompletableFuture.failedFuture(new DnsUnavailableException(failure.reason()))
                    : CompletableFuture.completedFuture(false);
        });
    }

    private CompletionStage<Boolean> permits(List<MailExchanger> exchangers) {
        List<MailExchanger> sorted = exchangers.stream()
                .sorted(Comparator.comparingInt(MailExchanger::preference))
                .limit(MAX_HOSTS)
                .toList();
        int lowest = sorted.get(0).preference();
        List<MailExchanger> best = sorted.stream()
                .filter(exchanger -> exchanger.preference() == lowest)
                .toList();
        // by name first, among all: that costs nothing
        boolean isNamed = exchangers.stream().anyMatch(exchanger -> identity.isOurs(exchanger.host()));
        if (best.stream().anyMatch(exchanger -> identity.isOurs(exchanger.host())) || best.size() == sorted.size()) {
            return CompletableFuture.completedFuture(false);
        }
        return addresses(best).thenCompose(primaries -> {
            if (primaries.stream().anyMatch(answer -> isOurs(answer) || isOutside(answer))) {
                return CompletableFuture.completedFuture(false);
            }
            boolean isThere = primaries.stream().anyMatch(AddressLookup.Found.class::isInstance);
            if (isNamed || isUncertain(primaries) || !isThere) {
                return told(primaries, isThere);
            }
            return addresses(sorted.subList(best.size(), sorted.size()))
                    .thenCompose(others -> others.stream().anyMatch(this::isOurs)
                            ? CompletableFuture.completedFuture(true)
                            : told(others, false));
        });
    }

    private CompletionStage<List<AddressLookup>> addresses(List<MailExchanger> exchangers) {
        CompletionStage<List<AddressLookup>> all = CompletableFuture.completedFuture(new ArrayList<>());
        for (CompletionStage<AddressLookup> one : exchangers.stream()
                .map(exchanger -> resolver.addresses(exchanger.host()))
                .toList()) {
            all = all.thenCombine(one, (answers, answer) -> {
                answers.add(answer);
                return answers;
            });
        }
        return all;
    }

    private boolean isOurs(AddressLookup answer) {
        return answer instanceof AddressLookup.Found found
                && found.addresses().stream()
                        .anyMatch(address -> !address.isLoopbackAddress()
                                && identity.addresses().contains(address));
    }

    private boolean isOutside(AddressLookup answer) {
        return answer instanceof AddressLookup.Found found
                && !found.addresses().stream().allMatch(this::isWithin);
    }

    private boolean isWithin(InetAddress address) {
        return networks.stream().anyMatch(network -> network.contains(address));
    }

    private static boolean isUncertain(List<AddressLookup> answers) {
        return answers.stream().anyMatch(AddressLookup.TemporaryFailure.class::isInstance);
    }

    /** The answer, unless one that is missing could change it. */
    private static CompletionStage<Boolean> told(List<AddressLookup> answers, boolean otherwise) {
        for (AddressLookup answer : answers) {
            if (answer instanceof AddressLookup.TemporaryFailure failure) {
                return CompletableFuture.failedFuture(new DnsUnavailableException(failure.reason()));
            }
        }
        return CompletableFuture.completedFuture(otherwise);
    }
}
