package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelaySettings;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.undelivered.UndeliveredPolicy;
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
    private final @Nullable UndeliveredPolicy undelivered;
    private final @Nullable DomainMode mode;
    private final @Nullable RelaySettings relaySettings;
    private final @Nullable DeliveryRate deliveryRate;
    private final @Nullable LeaseOrder drainOrder;
    private final boolean privateNextHops;
    private final boolean requiresTls;
    private final long maxMessageBytes; // 0 for the engine's alone

    /** What a copy is made from. */
    private static final class Settings {
        final MailDomain base;
        final boolean subdomains;
        List<NextHop> nextHops = List.of();

        @Nullable
        RecipientPolicy recipients;

        @Nullable
        RetryPolicy retryPolicy;

        @Nullable
        UndeliveredPolicy undelivered;

        @Nullable
        DomainMode mode;

        @Nullable
        RelaySettings relaySettings;

        @Nullable
        DeliveryRate deliveryRate;

        @Nullable
        LeaseOrder drainOrder;

        boolean privateNextHops;
        boolean requiresTls;
        long maxMessageBytes;

        Settings(MailDomain base, boolean subdomains) {
            this.base = base;
            this.subdomains = subdomains;
        }
    }

    private RelayDomain(Settings from) {
        this.base = from.base;
        this.subdomains = from.subdomains;
        this.nextHops = from.nextHops;
        this.recipients = from.recipients;
        this.retryPolicy = from.retryPolicy;
        this.undelivered = from.undelivered;
        this.mode = from.mode;
        this.relaySettings = from.relaySettings;
        this.deliveryRate = from.deliveryRate;
        this.drainOrder = from.drainOrder;
        this.privateNextHops = from.privateNextHops;
        this.requiresTls = from.requiresTls;
        this.maxMessageBytes = from.maxMessageBytes;
    }

    private RelayDomain with(Consumer<Settings> change) {
        Settings copy = new Settings(base, subdomains);
        copy.nextHops = nextHops;
        copy.recipients = recipients;
        copy.retryPolicy = retryPolicy;
        copy.undelivered = undelivered;
        copy.mode = mode;
        copy.relaySettings = relaySettings;
        copy.deliveryRate = deliveryRate;
        copy.drainOrder = drainOrder;
        copy.privateNextHops = privateNextHops;
        copy.requiresTls = requiresTls;
        copy.maxMessageBytes = maxMessageBytes;
        change.accept(copy);
        return new RelayDomain(copy);
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
        return new RelayDomain(new Settings(base, subdomains));
    }

    /**
     * Returns this domain with fixed next hops instead of its mail exchangers. Addresses of next hops that the operator
     * wrote down may be private or loopback.
     *
     * @param values the next hops in order of trial; empty for mail exchangers by DNS, the default
     * @return a copy
     */
    public RelayDomain withNextHops(List<NextHop> values) {
        List<NextHop> copy = List.copyOf(values);
        return with(settings -> settings.nextHops = copy);
    }

    /**
     * Returns this domain with a recipient policy of its own.
     *
     * @param value which recipients exist; the engine's unless set
     * @return a copy
     */
    public RelayDomain withRecipients(RecipientPolicy value) {
        requireNonNull(value, "value");
        return with(settings -> settings.recipients = value);
    }

    /**
     * Returns this domain with a retry policy, and so a give-up time, of its own.
     *
     * @param value when mail is tried again; the engine's unless set
     * @return a copy
     */
    public RelayDomain withRetryPolicy(RetryPolicy value) {
        requireNonNull(value, "value");
        return with(settings -> settings.retryPolicy = value);
    }

    /**
     * Returns this domain with rules of its own for mail that cannot be delivered.
     *
     * @param value the rules; the engine's unless set
     * @return a copy
     */
    public RelayDomain withUndelivered(UndeliveredPolicy value) {
        requireNonNull(value, "value");
        return with(settings -> settings.undelivered = value);
    }

    /**
     * Returns this domain with a mode of its own.
     *
     * @param value when its mail is accepted; the engine's unless set
     * @return a copy
     */
    public RelayDomain withMode(DomainMode value) {
        requireNonNull(value, "value");
        return with(settings -> settings.mode = value);
    }

    /**
     * Returns this domain with settings of its own toward its primary: TLS, credentials, source address, EHLO name.
     *
     * @param value the settings, used as they are and not mixed with the engine's; the engine's unless set
     * @return a copy
     */
    public RelayDomain withRelaySettings(RelaySettings value) {
        requireNonNull(value, "value");
        return with(settings -> settings.relaySettings = value);
    }

    /**
     * Returns this domain with a rate of its own: how much its primary is given in a minute, and in which hours. Where
     * domains of one primary have different caps, the lowest holds for all of them.
     *
     * @param value the rate, used as it is and not mixed with the engine's; the engine's unless set
     * @return a copy
     */
    public RelayDomain withDeliveryRate(DeliveryRate value) {
        requireNonNull(value, "value");
        return with(settings -> settings.deliveryRate = value);
    }

    /**
     * Returns this domain with an order of its own in which waiting mail is attempted.
     *
     * @param value the order, see {@link org.backupmx.BackupMxBuilder#drainOrder}; the engine's unless set
     * @return a copy
     */
    public RelayDomain withDrainOrder(LeaseOrder value) {
        requireNonNull(value, "value");
        return with(settings -> settings.drainOrder = value);
    }

    /**
     * Returns this domain with, or without, leave to relay to private and loopback addresses that DNS gave.
     *
     * @param value whether such addresses are used; the engine's setting unless true
     * @return a copy
     */
    public RelayDomain withPrivateNextHops(boolean value) {
        return with(settings -> settings.privateNextHops = value);
    }

    /**
     * Returns this domain with, or without, the demand that its mail comes by TLS. A recipient of it is answered
     * 451 4.7.10 while the connection is in clear text: a sender whose handshake failed and who fell back tries TLS again
     * instead of telling its user that the mail cannot be delivered. It is not a demand on the certificate of anybody.
     *
     * @param value whether TLS is demanded; false unless set
     * @return a copy
     */
    public RelayDomain withTlsRequired(boolean value) {
        return with(settings -> settings.requiresTls = value);
    }

    /**
     * Returns this domain with a size limit of its own, for a primary that takes less than others. A recipient of it is
     * refused with 552 5.3.4 when the declared size is larger, and so is the whole transaction when its mail data is. When
     * no size is declared, recipients of different limits do not share a transaction: the later ones get 452 4.5.3, and
     * the client sends to them in another.
     *
     * @param value the largest mail data in bytes, at least 1; the engine's limit stays in force if it is smaller
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is less than 1
     */
    public RelayDomain withMaxMessageBytes(long value) {
        if (value < 1) {
            throw new IllegalArgumentException("maxMessageBytes: " + value + " (expected: >= 1)");
        }
        return with(settings -> settings.maxMessageBytes = value);
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
     * Returns the rules of this domain for mail that cannot be delivered.
     *
     * @return the rules, empty for the engine's
     */
    public Optional<UndeliveredPolicy> undelivered() {
        return Optional.ofNullable(undelivered);
    }

    /**
     * Returns the mode of this domain.
     *
     * @return when its mail is accepted, empty for the engine's
     */
    public Optional<DomainMode> mode() {
        return Optional.ofNullable(mode);
    }

    /**
     * Returns the settings of this domain toward its primary.
     *
     * @return the settings, empty for the engine's
     */
    public Optional<RelaySettings> relaySettings() {
        return Optional.ofNullable(relaySettings);
    }

    /**
     * Returns how much the primary of this domain is given.
     *
     * @return the rate, empty for the engine's
     */
    public Optional<DeliveryRate> deliveryRate() {
        return Optional.ofNullable(deliveryRate);
    }

    /**
     * Returns the order in which waiting mail of this domain is attempted.
     *
     * @return the order, empty for the engine's
     */
    public Optional<LeaseOrder> drainOrder() {
        return Optional.ofNullable(drainOrder);
    }

    /**
     * Tells whether private and loopback addresses that DNS gave are used.
     *
     * @return true if they are
     */
    public boolean privateNextHops() {
        return privateNextHops;
    }

    /**
     * Tells whether mail must come by TLS.
     *
     * @return true if it must
     */
    public boolean requiresTls() {
        return requiresTls;
    }

    /**
     * Returns the size limit of this domain.
     *
     * @return the largest mail data in bytes, empty for the engine's alone
     */
    public OptionalLong maxMessageBytes() {
        return maxMessageBytes == 0 ? OptionalLong.empty() : OptionalLong.of(maxMessageBytes);
    }

    /** Returns the name, {@code *.} before it if subdomains are meant. */
    @Override
    public String toString() {
        return subdomains ? WILDCARD + base : base.toString();
    }
}
