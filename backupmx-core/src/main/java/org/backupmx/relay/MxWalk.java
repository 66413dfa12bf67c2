package org.backupmx.relay;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
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

    private static final int MAX_REASONS = 8;

    private final Destination destination;
    private final OwnIdentity identity;
    private final MxResolver resolver;
    private final List<List<MailExchanger>> levels;
    private final int ownPreference;
    private final boolean isImplicit;

    private final List<NextHopAddress> usable = new ArrayList<>();
    private final List<String> reasons = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private int hosts;
    private boolean isCut;
    private boolean isUncertain;

    /**
     * Makes a walk.
     *
     * @param levels the mail exchangers, those of equal preference together, the most preferred first
     * @param ownPreference the lowest preference under one of our names, {@link Integer#MAX_VALUE} if none
     * @param isImplicit whether the domain itself stands for the mail exchanger it does not have
     */
    MxWalk(
            Destination destination,
            OwnIdentity identity,
            MxResolver resolver,
            List<List<MailExchanger>> levels,
            int ownPreference,
            boolean isImplicit) {
        this.destination = destination;
        this.identity = identity;
        this.resolver = resolver;
        this.levels = levels;
        this.ownPreference = ownPreference;
        this.isImplicit = isImplicit;
    }

    CompletionStage<RelayRoute> start() {
        return walk(0);
    }

    private CompletionStage<RelayRoute> walk(int index) {
        if (index == levels.size()) {
            if (destination.isRelayDomain() && !isImplicit) {
                notes.add("none of our names and addresses is among the mail exchangers of " + destination.domain());
            }
            return CompletableFuture.completedFuture(finish());
        }
        List<MailExchanger> level = levels.get(index);
        if (level.get(0).preference() >= ownPreference) {
            isCut = true;
            return CompletableFuture.completedFuture(finish());
        }
        if (hosts == RelayRouter.MAX_HOSTS) {
            return CompletableFuture.completedFuture(finish());
        }
        return lookUp(level)
                .thenCompose(answers ->
                        take(level, answers) ? walk(index + 1) : CompletableFuture.completedFuture(finish()));
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
            notes.add("mail exchanger " + exchanger.host() + " is an address, not a host name");
            return CompletableFuture.completedFuture(new AddressLookup.Found(List.of(literal.get())));
        }
        return resolver.addresses(exchanger.host());
    }

    /** Takes the hosts of one preference; returns whether to go on to the next. */
    private boolean take(List<MailExchanger> level, List<AddressLookup> answers) {
        if (answers.stream().anyMatch(this::isOurs)) {
            isCut = true;
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
        if (isUncertain && destination.isRelayDomain() && ownPreference == Integer.MAX_VALUE) {
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
        } else if (answer instanceof AddressLookup.Found found && hosts < RelayRouter.MAX_HOSTS) {
            List<InetAddress> allowed = RelayRouter.allowed(found.addresses(), destination);
            Optional<NextHop> nextHop = nextHop(host);
            if (allowed.isEmpty()) {
                reason(host + ": no public address");
            } else if (nextHop.isEmpty()) {
                reason(host + ": not a host name");
            } else {
                hosts++;
                allowed.forEach(address -> usable.add(new NextHopAddress(nextHop.get(), address)));
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
        if (reasons.size() < MAX_REASONS) {
            reasons.add(reason);
        }
    }

    private RelayRoute finish() {
        if (!usable.isEmpty()) {
            return new RelayRoute.NextHops(usable, notes);
        }
        String why = reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")";
        if (isUncertain) {
            return new RelayRoute.Retry("no mail exchanger of " + destination.domain() + " can be looked up" + why);
        }
        if (isCut) {
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
}
