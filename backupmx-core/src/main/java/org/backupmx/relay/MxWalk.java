package org.backupmx.relay;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.SmtpReply;

/**
 * One walk along a domain's mail exchangers, from the most preferred to the first that is us. Going in this order the
 * cut needs no look-up beyond it. One use; each step happens after the one before, so it needs no lock.
 */
final class MxWalk {

    private static final int MAX_REMARKS = 8;

    private final Destination destination;
    private final OwnIdentity identity;
    private final MxResolver resolver;
    private final List<List<MailExchanger>> levels;
    private final boolean isWhole;
    private final boolean isNamed;
    private final boolean isImplicit;

    private final List<List<NextHopAddress>> usable = new ArrayList<>(); // by host
    private final List<String> reasons = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private int cut; // where mail must not go any more, by preference
    private boolean isUncertain;

    /**
     * Makes a walk.
     *
     * @param levels the mail exchangers to look at, those of equal preference together, the most preferred first; none
     *     under our name or beyond it
     * @param isWhole whether the last level is, so that nobody of that preference is left out
     * @param ownPreference the lowest preference under one of our names, {@link Integer#MAX_VALUE} if none
     * @param isImplicit whether the domain itself stands for the mail exchanger it does not have
     */
    MxWalk(
            Destination destination,
            OwnIdentity identity,
            MxResolver resolver,
            List<List<MailExchanger>> levels,
            boolean isWhole,
            int ownPreference,
            boolean isImplicit) {
        this.destination = destination;
        this.identity = identity;
        this.resolver = resolver;
        this.levels = levels;
        this.isWhole = isWhole;
        this.isNamed = ownPreference != Integer.MAX_VALUE;
        this.isImplicit = isImplicit;
        this.cut = ownPreference;
    }

    CompletionStage<RelayRoute> start() {
        return walk(0);
    }

    private CompletionStage<RelayRoute> walk(int index) {
        if (index == levels.size()) {
            if (destination.isRelayDomain() && !isNamed && !isImplicit) {
                note("none of our names and addresses is among the mail exchangers of " + destination.domain());
            }
            return CompletableFuture.completedFuture(finish());
        }
        List<MailExchanger> level = levels.get(index);
        boolean isLast = index == levels.size() - 1;
        if (usable.size() == RelayRouter.MAX_HOSTS || (isLast && !isWhole && mayLeadBack(level))) {
            return CompletableFuture.completedFuture(finish());
        }
        return lookUp(level)
                .thenCompose(answers ->
                        take(level, answers) ? walk(index + 1) : CompletableFuture.completedFuture(finish()));
    }

    /** Tells whether we may be one of this preference that is not looked at: then its equals are no way. */
    private boolean mayLeadBack(List<MailExchanger> level) {
        if (isNamed || !destination.isRelayDomain()) {
            return false;
        }
        reason("too many mail exchangers of preference " + level.get(0).preference() + " to find ourselves among them");
        return true;
    }

    private CompletionStage<List<AddressLookup>> lookUp(List<MailExchanger> level) {
        CompletionStage<List<AddressLookup>> all = CompletableFuture.completedFuture(new ArrayList<>());
        for (CompletionStage<AddressLookup> one :
                level.stream().map(this::addresses).toList()) {
            all = all.thenCombine(one, (answers, answer) -> {
                answers.add(answer);
                return answers;
            });
        }
        return all;
    }

    private CompletionStage<AddressLookup> addresses(MailExchanger exchanger) {
        Optional<InetAddress> literal = AddressLiteral.parse(exchanger.host());
        if (literal.isPresent()) {
            note("mail exchanger " + exchanger.host() + " is an address, not a host name");
            return CompletableFuture.completedFuture(new AddressLookup.Found(List.of(literal.get())));
        }
        return resolver.addresses(exchanger.host());
    }

    /** Takes the hosts of one preference; returns whether to go on to the next. */
    private boolean take(List<MailExchanger> level, List<AddressLookup> answers) {
        if (answers.stream().anyMatch(this::isOurs)) {
            cut = level.get(0).preference();
            return false;
        }
        for (int i = 0; i < answers.size(); i++) {
            if (answers.get(i) instanceof AddressLookup.TemporaryFailure failure) {
                isUncertain = true;
                reason(level.get(i).host() + ": " + failure.reason());
            }
        }
        // A host without an answer may be us. If our name does not stand further on, mail must not go past it, nor to
        // an equal: that could be the way back.
        if (isUncertain && destination.isRelayDomain() && !isNamed) {
            return false;
        }
        for (int i = 0; i < answers.size(); i++) {
            use(level.get(i).host(), answers.get(i));
        }
        return true;
    }

    private boolean isOurs(AddressLookup answer) {
        // Loopback is us wherever we stand, unless the operator has mail go to such addresses by the DNS.
        return answer instanceof AddressLookup.Found found
                && found.addresses().stream()
                        .anyMatch(address ->
                                destination.allowsPrivate() ? identity.isListed(address) : identity.isOurs(address));
    }

    private void use(String host, AddressLookup answer) {
        if (answer instanceof AddressLookup.NoSuchHost) {
            reason(host + ": no address");
        } else if (answer instanceof AddressLookup.Found found && usable.size() < RelayRouter.MAX_HOSTS) {
            if (found.isAlias() && !isImplicit) {
                note("mail exchanger " + host + " is an alias (CNAME), which RFC 2181 section 10.3 forbids");
            }
            List<InetAddress> allowed = RelayRouter.allowed(found.addresses(), destination);
            Optional<NextHop> nextHop = nextHop(host);
            if (allowed.isEmpty()) {
                reason(host + ": no public address");
            } else if (nextHop.isEmpty()) {
                reason(host + ": not a host name");
            } else {
                usable.add(allowed.stream()
                        .map(address -> new NextHopAddress(nextHop.get(), address))
                        .toList());
            }
        }
    }

    private static Optional<NextHop> nextHop(String host) {
        try {
            return Optional.of(new NextHop(host, NextHop.SMTP_PORT));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void reason(String reason) {
        if (reasons.size() < MAX_REMARKS) {
            reasons.add(reason);
        }
    }

    private void note(String note) {
        if (notes.size() < MAX_REMARKS) {
            notes.add(note);
        }
    }

    private RelayRoute finish() {
        if (!usable.isEmpty()) {
            return new RelayRoute.NextHops(RelayRouter.share(usable), preferences(), notes);
        }
        String why = reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")";
        if (isUncertain) {
            return new RelayRoute.Retry("no mail exchanger of " + destination.domain() + " can be looked up" + why);
        }
        if (cut != Integer.MAX_VALUE) {
            return RelayRouter.without(
                    destination,
                    "we are the best mail exchanger of " + destination.domain() + why,
                    SmtpReply.of(550, "5.4.6", "Mail for " + destination.domain() + " loops back to us"));
        }
        return RelayRouter.without(
                destination,
                isImplicit
                        ? destination.domain() + " has no MX record and cannot take mail itself" + why
                        : "no mail exchanger of " + destination.domain() + " can be used" + why,
                SmtpReply.of(550, "5.4.4", "No mail server of " + destination.domain() + " can be used"));
    }

    /** Everyone before the cut, whether used this time or not: the primary is the same if one of it has no address. */
    private Map<NextHop, Integer> preferences() {
        Map<NextHop, Integer> preferences = new LinkedHashMap<>();
        for (MailExchanger exchanger : levels.stream().flatMap(List::stream).toList()) {
            if (exchanger.preference() < cut) {
                nextHop(exchanger.host())
                        .ifPresent(nextHop -> preferences.putIfAbsent(nextHop, exchanger.preference()));
            }
        }
        return preferences;
    }
}
