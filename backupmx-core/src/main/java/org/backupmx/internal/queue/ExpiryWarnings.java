package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.event.MailExpiring;
import org.backupmx.event.MailExpiring.Stage;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolLane;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns of mail of one domain that is about to expire: by its oldest message that is not held, once a stage and day; the
 * early stages once a message. However much waits, there is one event. Thread-safe; may block.
 */
final class ExpiryWarnings {

    private static final Duration DAY = Duration.ofDays(1);

    /** How often it is looked for a message that is not held, while held ones are the oldest. */
    private static final Duration LOOK_AGAIN = Duration.ofHours(6);

    private static final Logger LOG = LoggerFactory.getLogger(ExpiryWarnings.class);

    private record Told(Instant at, Instant oldest) {}

    private final Delivery delivery;
    private final MailDomain domain;
    private final LaneExpiry expiry;
    private final Map<Stage, Told> told = new EnumMap<>(Stage.class); // guarded by this, as the next one
    private Instant nextLook = Instant.MIN;

    ExpiryWarnings(Delivery delivery, MailDomain domain, LaneExpiry expiry) {
        this.delivery = delivery;
        this.domain = domain;
        this.expiry = expiry;
    }

    /** Takes the lane as the spool lists it. */
    synchronized void listed(SpoolLane lane) {
        Instant now = delivery.runtime.now();
        if (lane.held() == lane.queued() || now.isBefore(nextLook) || !isHalfThrough(lane.oldest(), now)) {
            return;
        }
        // the oldest may be held, and long beyond its end
        Optional<Instant> oldest = lane.held() == 0 ? Optional.of(lane.oldest()) : oldestWaiting(now);
        oldest.filter(received -> isNews(received, now)).ifPresent(received -> tell(lane, received, now));
    }

    private boolean isHalfThrough(Instant received, Instant now) {
        return expiry.spent(received, now)
                .map(spent -> spent.life().compareTo(spent.lifetime().dividedBy(2)) >= 0)
                .orElse(false);
    }

    private boolean isNews(Instant received, Instant now) {
        Stage stage = stage(received, now);
        if (stage == null) {
            return false;
        }
        Told last = told.get(stage);
        boolean isDaily = stage == Stage.LAST_DAY || stage == Stage.KEPT;
        return last == null || (!now.isBefore(last.at().plus(DAY)) && (isDaily || received.isAfter(last.oldest())));
    }

    private void tell(SpoolLane lane, Instant received, Instant now) {
        Stage stage = stage(received, now);
        Optional<LaneExpiry.Spent> spent = expiry.spent(received, now);
        if (stage != null && spent.isPresent()) {
            told.put(stage, new Told(now, received));
            Instant end = stage == Stage.KEPT ? spent.get().kept() : spent.get().end();
            delivery.events.post(new MailExpiring(now, domain, stage, received, end, lane.queued() - lane.held()));
        }
    }

    private @Nullable Stage stage(Instant received, Instant now) {
        return expiry.spent(received, now)
                .map(spent -> now.isBefore(spent.kept()) ? stage(spent) : null)
                .orElse(null);
    }

    /** The stage that began last. */
    private static @Nullable Stage stage(LaneExpiry.Spent spent) {
        Duration lifetime = spent.lifetime();
        Stage reached = null;
        Duration latest = Duration.ZERO;
        for (Stage stage : Stage.values()) {
            Duration begin = switch (stage) {
                case HALF -> lifetime.dividedBy(2);
                case FOUR_FIFTHS -> lifetime.multipliedBy(4).dividedBy(5);
                case LAST_DAY -> lifetime.minus(DAY);
                case KEPT -> lifetime;
            };
            if (begin.compareTo(latest) >= 0 && !begin.isZero() && spent.life().compareTo(begin) >= 0) {
                reached = stage;
                latest = begin;
            }
        }
        return reached;
    }

    /** Returns when a message was received that is not held and half through its life, the oldest if the spool knows order. */
    private Optional<Instant> oldestWaiting(Instant now) {
        nextLook = now.plus(LOOK_AGAIN);
        Optional<LaneExpiry.Spent> spent = expiry.spent(now, now);
        if (!(delivery.spool instanceof FindableSpool findable) || spent.isEmpty()) {
            return Optional.empty();
        }
        Instant halfway = now.minus(spent.get().lifetime().dividedBy(2));
        try {
            List<QueuedMessage> found = findable.find(
                    SpoolFilter.all().domain(domain).held(false).receivedBefore(halfway), Optional.empty(), 1);
            return found.stream().map(one -> one.message().receivedAt()).findFirst();
        } catch (SpoolException e) {
            LOG.atWarn().setCause(e).addKeyValue("domain", domain).log("mail that may expire not looked for");
            return Optional.empty();
        }
    }
}
