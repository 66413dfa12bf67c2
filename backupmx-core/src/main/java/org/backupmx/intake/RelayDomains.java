package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.jspecify.annotations.Nullable;

/**
 * The domains that we hold mail for; mail for every other domain is refused with 550 5.7.1. Immutable and thread-safe.
 *
 * <p>Domains that are listed are answered in memory. A {@link RelayDomainLookup} may know more of them, and so may the DNS
 * ({@link #withByDestination}).
 */
public final class RelayDomains {

    private final List<RelayDomain> listed;
    private final Map<MailDomain, RelayDomain> exact = new HashMap<>();
    private final Map<MailDomain, RelayDomain> wild = new HashMap<>();
    private final @Nullable RelayDomainLookup lookup;
    private final List<IpNetwork> destinations;

    private RelayDomains(List<RelayDomain> listed, @Nullable RelayDomainLookup lookup, List<IpNetwork> destinations) {
        this.listed = listed;
        this.lookup = lookup;
        this.destinations = destinations;
        for (RelayDomain domain : listed) {
            if ((domain.subdomains() ? wild : exact).put(domain.base(), domain) != null) {
                throw new IllegalArgumentException("domain: " + domain + " twice (expected: each domain once)");
            }
        }
    }

    /**
     * Returns the relay domains that are named, without settings of their own.
     *
     * @param names domains, or {@code *.} and a domain for its subdomains
     * @return the relay domains
     * @throws IllegalArgumentException if a name is not a domain or stands twice
     */
    public static RelayDomains of(String... names) {
        return new RelayDomains(Arrays.stream(names).map(RelayDomain::of).toList(), null, List.of());
    }

    /**
     * Returns the relay domains that are listed.
     *
     * @param domains the domains with their settings
     * @return the relay domains
     * @throws IllegalArgumentException if a domain stands twice
     */
    public static RelayDomains of(Collection<RelayDomain> domains) {
        return new RelayDomains(List.copyOf(domains), null, List.of());
    }

    /**
     * Returns the relay domains that a look-up finds.
     *
     * @param lookup knows the domains
     * @return the relay domains
     */
    public static RelayDomains lookup(RelayDomainLookup lookup) {
        return new RelayDomains(List.of(), requireNonNull(lookup, "lookup"), List.of());
    }

    /**
     * Returns these relay domains and those that a look-up finds; what is listed is not looked up.
     *
     * @param value knows more domains
     * @return a copy
     */
    public RelayDomains withLookup(RelayDomainLookup value) {
        return new RelayDomains(listed, requireNonNull(value, "value"), destinations);
    }

    /**
     * Returns these relay domains and every domain whose mail exchangers say so: we are one of them, and the addresses of
     * all those with the lowest preference number, which is lower than ours, are within the given networks. So a provider
     * is backup MX for all primaries in its networks without a list of their domains.
     *
     * <p>The DNS is asked when a domain is neither listed nor looked up, off the event loop, bounded by the policy timeout.
     * While it gives no answer the recipient gets 451 4.4.3. Answers are cached for 5 minutes, 100,000 of them with those
     * of a look-up, whose absent domains are then remembered as long. Such a domain has no settings of its own. Whoever points a domain at a primary within the networks and
     * at us can have its mail relayed to that primary, nowhere else first.
     *
     * @param networks where primaries are; empty for none, the default
     * @return a copy
     */
    public RelayDomains withByDestination(Collection<IpNetwork> networks) {
        return new RelayDomains(listed, lookup, List.copyOf(networks));
    }

    /**
     * Returns the listed domain that covers a domain: the exact one, else the one with the longest name whose
     * subdomains are meant.
     *
     * @param domain the domain of a recipient
     * @return its settings, empty if no listed domain covers it
     */
    public Optional<RelayDomain> find(MailDomain domain) {
        RelayDomain found = exact.get(requireNonNull(domain, "domain"));
        if (found == null && !wild.isEmpty() && !domain.isAddressLiteral()) {
            String name = domain.toString();
            for (int dot = name.indexOf('.'); dot >= 0 && found == null; dot = name.indexOf('.', dot + 1)) {
                found = wild.get(MailDomain.of(name.substring(dot + 1)));
            }
        }
        return Optional.ofNullable(found);
    }

    /**
     * Returns the listed domains.
     *
     * @return in the order given
     */
    public List<RelayDomain> listed() {
        return listed;
    }

    /**
     * Returns the look-up.
     *
     * @return what knows more domains, empty if nothing does
     */
    public Optional<RelayDomainLookup> lookup() {
        return Optional.ofNullable(lookup);
    }

    /**
     * Returns the networks of primaries whose domains are relay domains by what the DNS says.
     *
     * @return the networks, empty for none
     */
    public List<IpNetwork> destinations() {
        return destinations;
    }

    /** Returns the listed domains, for people. */
    @Override
    public String toString() {
        return listed
                + (lookup == null ? "" : " and a look-up")
                + (destinations.isEmpty() ? "" : " and by destination " + destinations);
    }
}
