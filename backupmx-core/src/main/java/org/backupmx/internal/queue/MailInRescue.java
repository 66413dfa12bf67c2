package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the messages on their way to the rescue hosts, domain by domain. Thread-safe.
 *
 * <p>The spool alone knows them all, by their {@link RescueMark}; here stand those that a lane has come across since the
 * start. Each is due once an hour at least. At most {@link #MOST}; further ones are not counted.
 */
final class MailInRescue {

    /** The most messages that are counted: {@value}, about 20 MB of heap. */
    static final int MOST = 100_000;

    /** How often some are compared with the spool: what another engine took is found out by that. */
    static final Duration COMPARE_BEAT = Duration.ofMinutes(10);

    /** How many are. */
    private static final int PER_COMPARISON = 200;

    private static final Logger LOG = LoggerFactory.getLogger(MailInRescue.class);

    private final Spool spool;
    private final int most;
    private final NavigableMap<SpoolId, Set<MailDomain>> messages = new TreeMap<>(); // guarded by this, as the other
    private final Map<MailDomain, Long> counts = new HashMap<>();
    private volatile boolean isAny;
    private Optional<SpoolId> compared = Optional.empty(); // owned by the comparison, as the next one

    MailInRescue(Spool spool, int most) {
        this.spool = spool;
        this.most = most;
    }

    void start(EngineRuntime runtime) {
        runtime.repeat(COMPARE_BEAT, this::compare);
    }

    /** Returns how many messages of a domain are in rescue. */
    synchronized long count(MailDomain domain) {
        return counts.getOrDefault(domain, 0L);
    }

    /** A lane has come across a message, and tells whether a recipient there is in rescue. */
    void seen(MailDomain domain, SpoolId id, boolean isInRescue) {
        if (isInRescue) {
            add(domain, id);
        } else if (isAny) { // every settlement passes here
            remove(domain, id);
        }
    }

    private synchronized void add(MailDomain domain, SpoolId id) {
        Set<MailDomain> domains = messages.getOrDefault(id, Set.of());
        if (domains.contains(domain) || domains.isEmpty() && messages.size() >= most) {
            return;
        }
        Set<MailDomain> more = new HashSet<>(domains);
        more.add(domain);
        messages.put(id, Set.copyOf(more));
        counts.merge(domain, 1L, Long::sum);
        isAny = true;
    }

    private synchronized void remove(MailDomain domain, SpoolId id) {
        Set<MailDomain> domains = messages.getOrDefault(id, Set.of());
        if (!domains.contains(domain)) {
            return;
        }
        Set<MailDomain> less = new HashSet<>(domains);
        less.remove(domain);
        if (less.isEmpty()) {
            messages.remove(id);
        } else {
            messages.put(id, Set.copyOf(less));
        }
        long left = count(domain) - 1;
        if (left > 0) {
            counts.put(domain, left);
        } else {
            counts.remove(domain);
        }
        isAny = !messages.isEmpty();
    }

    /** Messages were held, or are gone: they are on no way. */
    synchronized void gone(Collection<SpoolId> ids) {
        for (SpoolId id : ids) {
            messages.getOrDefault(id, Set.of()).forEach(domain -> remove(domain, id));
        }
    }

    private void compare() {
        if (!(spool instanceof FindableSpool findable)) {
            return;
        }
        List<SpoolId> page = page();
        try {
            for (SpoolId id : page) {
                Optional<QueuedMessage> found = findable.find(id);
                if (found.isEmpty() || found.get().held()) {
                    gone(List.of(id));
                }
            }
            compared = page.size() < PER_COMPARISON ? Optional.empty() : Optional.of(page.get(page.size() - 1));
        } catch (SpoolException e) {
            LOG.atError().setCause(e).log("spool failed, mail in rescue is compared later");
        }
    }

    private synchronized List<SpoolId> page() {
        return compared.map(after -> messages.tailMap(after, false)).orElse(messages).keySet().stream()
                .limit(PER_COMPARISON)
                .toList();
    }
}
