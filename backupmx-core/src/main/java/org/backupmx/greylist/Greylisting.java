package org.backupmx.greylist;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;

/** Greylisting as RFC 6647 section 2.4 has it, by rules, over a store. */
final class Greylisting implements GreylistPolicy {

    private static final GreylistDecision PASS = new GreylistDecision.Pass();

    private final GreylistRules rules;
    private final GreylistStore store;

    Greylisting(GreylistRules rules, GreylistStore store) {
        this.rules = requireNonNull(rules, "rules");
        this.store = requireNonNull(store, "store");
    }

    @Override
    public GreylistDecision decide(GreylistTriplet triplet, Instant now) {
        requireNonNull(triplet, "triplet");
        requireNonNull(now, "now");
        String network = triplet.clientNetwork().getHostAddress();
        String networkKey = key(network);
        if (isAllowed(networkKey, now)) {
            store.update(networkKey, old -> used(old, now, 0));
            return PASS;
        }
        GreylistEntry entry = store.update(tripletKey(network, triplet), old -> seen(old, now));
        if (entry.passes() > 0) {
            if (entry.passes() == 1) {
                store.update(networkKey, old -> used(old, now, 1));
            }
            return PASS;
        }
        return new GreylistDecision.Wait(rules.delay().minus(Duration.between(entry.firstSeen(), now)));
    }

    private boolean isAllowed(String networkKey, Instant now) {
        return store.find(networkKey)
                .filter(entry -> isValid(entry, now) && entry.passes() >= rules.passesToAllow())
                .isPresent();
    }

    private GreylistEntry seen(Optional<GreylistEntry> old, Instant now) {
        if (old.isEmpty() || !isValid(old.get(), now)) {
            return new GreylistEntry(now, 0, now.plus(rules.window()));
        }
        GreylistEntry entry = old.get();
        boolean waited = !now.isBefore(entry.firstSeen().plus(rules.delay()));
        return entry.passes() > 0 || waited ? used(old, now, 1) : entry;
    }

    private GreylistEntry used(Optional<GreylistEntry> old, Instant now, int more) {
        GreylistEntry entry = old.filter(e -> isValid(e, now)).orElse(new GreylistEntry(now, 0, now));
        int passes = (int) Math.min(Integer.MAX_VALUE, (long) entry.passes() + more);
        return new GreylistEntry(entry.firstSeen(), passes, now.plus(rules.keep()));
    }

    /** An entry from the future is the trace of a clock set back: it would make a client wait for no end. */
    private static boolean isValid(GreylistEntry entry, Instant now) {
        return now.isBefore(entry.expiresAt()) && !now.isBefore(entry.firstSeen());
    }

    private static String tripletKey(String network, GreylistTriplet triplet) {
        return key(network + ' ' + triplet.reversePath() + ' ' + triplet.forwardPath());
    }

    /** Returns 128 bits of a digest: nobody can make two triplets collide, and an entry has a bounded size. */
    private static String key(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(text.toLowerCase(Locale.ROOT).getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(digest, 16));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public boolean mayBlock() {
        return store.mayBlock();
    }
}
