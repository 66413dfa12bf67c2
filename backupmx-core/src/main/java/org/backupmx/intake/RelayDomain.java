package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.retry.RetryPolicy;
import org.jspecify.annotations.Nullable;

/**
 * A domain, or all subdomains of one, that we hold mail for, with its settings. What is not set is taken from the
 * engine's configuration. Immutable and thread-safe.
 */
public final class RelayDomain {

    private static final String WILDCARD = "*.";

    private final MailDomain base;
    private final boolean subdomains;
    private final List<NextHop> nextHops;
    private final @Nullable RecipientPolicy recipients;
    private final @Nullable RetryPolicy retryPolicy;
    private final boolean privateNextHops;

    private RelayDomain(
            MailDomain base,
            boolean subdomains,
            List<NextHop> nextHops,
            @Nullable RecipientPolicy recipients,
            @Nullable RetryPolicy retryPolicy,
            boolean privateNextHops) {
        this.base = base;
        this.subdomains = subdomains;
        this.nextHops = nextHops;
        this.recipients = recipients;
        this.retryPolicy = retryPolicy;
        this.privateNextHops = privateNextHops;
    }

    /**
     * Returns a relay domain without settings of its own.
     *
     * @param name a domain such as {@code example.org}, or {@code *.example.org} for every subdomain of it at any
     *     depth, itself excluded
     * @return the relay domain, its primary found by MX
     * @throws IllegalArgumentException if {@code name} is neither
     */
    public static RelayDomain of(String name) {
        requireNonNull(name, "name");
        boolean subdomains = name.startsWith(WILDCARD);
        MailDomain base = MailDomain.of(subdomains ? name.substring(WILDCARD.length()) : name);
        if (subdomains && base.isAddressLiteral()) {
            throw new IllegalArgumentException("name: " + name + " (expected: a domain after \"*.\")");
        }
        return new RelayDomain(base, subdomains, List.of(), null, null, false);
    }

    /**
     * Returns this domain with fixed next hops instead of its mail exchangers. Addresses of next hops that the operator
     * wrote down may be private or loopback.
     *
     * @param values the next hops in order of trial; empty for mail exchangers by DNS, the default
     * @return a copy
     */
    public RelayDomain withNextHops(List<NextHop> values) {
        return new RelayDomain(base, subdomains, List.copyOf(values), recipients, retryPolicy, privateNextHops);
    }

    /**
     * Returns this domain with a recipient policy of its own.
     *
     * @param value which recipients exist; the engine's unless set
     * @return a copy
     */
    public RelayDomain withRecipients(RecipientPolicy value) {
        return new RelayDomain(
                base, subdomains, nextHops, requireNonNull(value, "value"), retryPolicy, privateNextHops);
    }

    /**
     * Returns this domain with a retry policy, and so a give-up time, of its own.
     *
     * @param value when mail is tried again; the engine's unless set
     * @return a copy
     */
    public RelayDomain withRetryPolicy(RetryPolicy value) {
        return new RelayDomain(base, subdomains, nextHops, recipients, requireNonNull(value, "value"), privateNextHops);
    }

    /**
     * Returns this domain with, or without, leave to relay to private and loopback addresses that DNS gave.
     *
     * @param value whether such addresses are used; the engine's setting unless true
     * @return a copy
     */
    public RelayDomain withPrivateNextHops(boolean value) {
        return new RelayDomain(base, subdomains, nextHops, recipients, retryPolicy, value);
    }

    /**
     * Tells whether a domain is this one, or one of those it stands for.
     *
     * @param domain the domain of a recipient
     * @return true if it is
     */
    public boolean covers(MailDomain domain) {
        return subdomains ? !domain.isAddressLiteral() && domain.toString().endsWith("." + base) : domain.equals(base);
    }

    /**
     * Returns the domain itself, or the one whose subdomains are meant.
     *
     * @return the domain
     */
    public MailDomain base() {
        return base;
    }

    /**
     * Tells whether the subdomains of {@link #base()} are meant and not the domain itself.
     *
     * @return true for {@code *.example.org}
     */
    public boolean subdomains() {
        return subdomains;
    }

    /**
     * Returns the fixed next hops.
     *
     * @return in order of trial; empty for mail exchangers by DNS
     */
    public List<NextHop> nextHops() {
        return nextHops;
    }

    /**
     * Returns the recipient policy of this domain.
     *
     * @return the policy, empty for the engine's
     */
    public Optional<RecipientPolicy> recipients() {
        return Optional.ofNullable(recipients);
    }

    /**
     * Returns the retry policy of this domain.
     *
     * @return the policy, empty for the engine's
     */
    public Optional<RetryPolicy> retryPolicy() {
        return Optional.ofNullable(retryPolicy);
    }

    /**
     * Tells whether private and loopback addresses that DNS gave are used.
     *
     * @return true if they are
     */
    public boolean privateNextHops() {
        return privateNextHops;
    }

    /** Returns the name, {@code *.} before it if subdomains are meant. */
    @Override
    public String toString() {
        return subdomains ? WILDCARD + base : base.toString();
    }
}
