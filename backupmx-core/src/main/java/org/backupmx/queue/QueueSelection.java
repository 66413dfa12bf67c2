package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/**
 * Which messages an operator means: those with certain identities, or those that fit a filter, and in which areas.
 * Immutable and thread-safe.
 */
public final class QueueSelection {

    /** The most identities of a selection: {@value}. */
    public static final int MAX_IDS = 1000;

    private final List<SpoolId> ids;
    private final SpoolFilter filter;
    private final Set<QueueArea> areas;

    private QueueSelection(List<SpoolId> ids, SpoolFilter filter, Set<QueueArea> areas) {
        this.ids = ids;
        this.filter = filter;
        this.areas = areas;
    }

    /**
     * Returns the selection of every message.
     *
     * @return all of them
     */
    public static QueueSelection all() {
        return of(SpoolFilter.all());
    }

    /**
     * Returns the selection of the messages that fit a filter.
     *
     * @param filter the filter
     * @return the selection
     */
    public static QueueSelection of(SpoolFilter filter) {
        return new QueueSelection(List.of(), requireNonNull(filter, "filter"), Set.of());
    }

    /**
     * Returns the selection of single messages; who is not queued is passed over.
     *
     * @param ids their identities, 1 to {@value #MAX_IDS}
     * @return the selection
     * @throws IllegalArgumentException if there are none, or too many
     */
    public static QueueSelection messages(Collection<SpoolId> ids) {
        List<SpoolId> sorted = ids.stream().distinct().sorted().toList();
        if (sorted.isEmpty() || sorted.size() > MAX_IDS) {
            throw new IllegalArgumentException("ids: " + sorted.size() + " (expected: 1 to " + MAX_IDS + ")");
        }
        return new QueueSelection(sorted, SpoolFilter.all(), Set.of());
    }

    /**
     * Narrows to areas. Unless set, an order means the areas that it can change, and a list all but
     * {@link QueueArea#RECYCLED}.
     *
     * @param first an area
     * @param more further ones
     * @return a narrower selection
     */
    public QueueSelection in(QueueArea first, QueueArea... more) {
        return new QueueSelection(ids, filter, Set.copyOf(EnumSet.of(first, more)));
    }

    /**
     * Returns the messages by identity.
     *
     * @return the identities in order; empty if it goes by a filter
     */
    public List<SpoolId> ids() {
        return ids;
    }

    /**
     * Returns the filter.
     *
     * @return the filter; {@link SpoolFilter#all()} if it goes by identities
     */
    public SpoolFilter filter() {
        return filter;
    }

    /**
     * Returns the areas.
     *
     * @return the areas; empty if none was set
     */
    public Set<QueueArea> areas() {
        return areas;
    }

    /** Returns it on one line, for audits: {@code domain=example.org in=HELD}. */
    @Override
    public String toString() {
        String what = ids.isEmpty() ? filter.toString() : ids.size() == 1 ? "" + ids.get(0) : ids.size() + " messages";
        return areas.isEmpty()
                ? what
                : what + " in=" + areas.stream().sorted().map(Enum::name).collect(Collectors.joining(","));
    }
}
