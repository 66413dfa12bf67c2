package org.backupmx.internal.queue;

import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpooledMessage;

/**
 * In which lanes the messages stand that the engine holds: how many of each domain, by reason, without asking the spool.
 * Thread-safe.
 *
 * <p>Of a message that was held before the start, or has recipients in several domains, that is not known until
 * {@link #locate()} has looked it up, once. Bounded by the entries of {@link HeldMail}.
 */
final class HeldPlaces {

    /** How much mail of one domain is held. Immutable. */
    record Sum(long messages, long bytes) {
        static final Sum NOTHING = new Sum(0, 0);

        Sum plus(Sum other) {
            return new Sum(messages + other.messages, bytes + other.bytes);
        }

        Sum minus(Sum other) {
            return new Sum(messages - other.messages, bytes - other.bytes);
        }
    }

    /** One message; without domains where they are not known. */
    private record Place(HeldMail.Reason reason, List<MailDomain> domains, long bytes) {
        Place as(HeldMail.Reason other) {
            return new Place(other, domains, bytes);
        }
    }

    private final Spool spool;
    private final Map<SpoolId, Place> places = new HashMap<>(); // guarded by this, as all the rest
    private final Map<SpoolId, HeldMail.Reason> unknown = new HashMap<>();
    private final Map<HeldMail.Reason, Map<MailDomain, Sum>> sums = new EnumMap<>(HeldMail.Reason.class);

    HeldPlaces(Spool spool) {
        this.spool = spool;
    }

    /** Returns how much of a domain is held for a reason, as far as that was located. */
    synchronized Sum sum(MailDomain domain, HeldMail.Reason reason) {
        return of(reason).getOrDefault(domain, Sum.NOTHING);
    }

    private Map<MailDomain, Sum> of(HeldMail.Reason reason) {
        return sums.computeIfAbsent(reason, name -> new HashMap<>());
    }

    /** A message is held, or for another reason than before. */
    synchronized void held(SpooledMessage message, HeldMail.Reason reason) {
        Collection<MailDomain> domains = message.envelope().domains();
        if (domains.size() == 1) {
            gone(message.id());
            add(message.id(), new Place(reason, List.copyOf(domains), message.sizeBytes()));
        } else {
            held(message.id(), reason); // some of its lanes may be over
        }
    }

    /** A message is held of which no more is known. */
    synchronized void held(SpoolId id, HeldMail.Reason reason) {
        Place before = places.get(id);
        gone(id);
        if (before == null) {
            unknown.put(id, reason);
        } else {
            add(id, before.as(reason));
        }
    }

    /** A message is not held any more, or not by the engine. */
    synchronized void gone(SpoolId id) {
        unknown.remove(id);
        Place place = places.remove(id);
        if (place != null) {
            Map<MailDomain, Sum> sums = of(place.reason());
            for (MailDomain domain : place.domains()) {
                Sum left = sum(domain, place.reason()).minus(new Sum(1, place.bytes()));
                if (left.messages() > 0) {
                    sums.put(domain, left);
                } else {
                    sums.remove(domain);
                }
            }
        }
    }

    private void add(SpoolId id, Place place) {
        places.put(id, place);
        Sum one = new Sum(1, place.bytes());
        place.domains().forEach(domain -> of(place.reason()).merge(domain, one, Sum::plus));
    }

    /** Looks up what is not known; what the spool does not hold now is looked for again the next time. Blocks. */
    void locate() throws SpoolException {
        if (!(spool instanceof FindableSpool findable)) {
            return;
        }
        for (SpoolId id : unknown()) {
            Optional<QueuedMessage> found = findable.find(id).filter(QueuedMessage::held);
            if (found.isPresent()) {
                located(found.get());
            }
        }
    }

    private synchronized List<SpoolId> unknown() {
        return List.copyOf(unknown.keySet());
    }

    private synchronized void located(QueuedMessage message) {
        HeldMail.Reason reason = unknown.remove(message.message().id());
        if (reason != null) { // else it is over meanwhile
            List<MailDomain> domains =
                    message.lanes().stream().map(MessageLane::domain).toList();
            add(
                    message.message().id(),
                    new Place(reason, domains, message.message().sizeBytes()));
        }
    }
}
