package org.backupmx.smtp.internal.client;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What next hops offer in EHLO and cannot do, by address: for a while we do without, instead of failing at it each time.
 * Bounded; the oldest entries go first. Thread-safe.
 */
final class BrokenOffers {

    enum Offer {
        STARTTLS,
        CHUNKING
    }

    /** How long an offer is not believed. */
    static final Duration KEPT = Duration.ofHours(1);

    /** The most addresses remembered for each offer. */
    static final int MOST = 10_000;

    private final Map<Offer, Map<InetSocketAddress, Long>> since = new EnumMap<>(Offer.class); // guarded by this

    BrokenOffers() {
        for (Offer offer : Offer.values()) {
            since.put(offer, new LinkedHashMap<>());
        }
    }

    /** Takes an offer that turned out empty at {@code now}, in nanoseconds of the loops' clock. */
    synchronized void note(Offer offer, InetSocketAddress address, long now) {
        Map<InetSocketAddress, Long> known = known(offer);
        known.remove(address);
        known.put(address, now);
        if (known.size() > MOST) {
            known.remove(known.keySet().iterator().next());
        }
    }

    synchronized boolean isBroken(Offer offer, InetSocketAddress address, long now) {
        Map<InetSocketAddress, Long> known = known(offer);
        Long noted = known.get(address);
        if (noted == null) {
            return false;
        }
        if (now - noted >= KEPT.toNanos()) {
            known.remove(address);
            return false;
        }
        return true;
    }

    private Map<InetSocketAddress, Long> known(Offer offer) {
        Map<InetSocketAddress, Long> known = since.get(offer);
        if (known == null) {
            throw new AssertionError(offer);
        }
        return known;
    }
}
