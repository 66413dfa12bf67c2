package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.backupmx.event.QueueOrdered;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.DrainProgress;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueControl;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueuePage;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueSelection;
import org.backupmx.queue.QueuedMail;
import org.backupmx.queue.RedirectPreview;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;

/** Steers the queue through what the spool can do. Thread-safe. */
final class SpoolQueueControl implements QueueControl {

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;
    private final RecycleArea recycle;
    private final OrderActions actions;
    private final QueueWorks works;
    private final Redirections redirections;

    SpoolQueueControl(Delivery delivery, DeliveryScheduler scheduler, Optional<OrderJournal> journal) {
        this.delivery = delivery;
        this.scheduler = scheduler;
        this.recycle = new RecycleArea(delivery.spool, delivery.heldMail, delivery.config.recycleFor());
        this.actions = new OrderActions(delivery, scheduler, recycle);
        this.works = new QueueWorks(delivery, scheduler, actions);
        this.redirections = new Redirections(delivery, journal);
    }

    private <A> A able(Class<A> ability) {
        if (scheduler.isStopping()) {
            throw new IllegalStateException("engine: stopped (expected: running)");
        }
        Spool spool = delivery.spool;
        if (!ability.isInstance(spool)) {
            throw new IllegalStateException(
                    "spool: " + spool.getClass().getName() + " (expected: a " + ability.getSimpleName() + ")");
        }
        return ability.cast(spool);
    }

    private void able(QueueOrder order) {
        able(Spool.class);
        actions.needed(order.kind()).forEach(this::able);
    }

    private MailWalk walk() {
        return new MailWalk(able(FindableSpool.class), delivery.heldMail);
    }

    private void audit(String by, String order, String subject, long planned, long changed, String reason) {
        delivery.events.post(
                new QueueOrdered(delivery.runtime.now(), by, order, subject, planned, changed, "COMPLETE", reason));
    }

    @Override
    public void flush(MailDomain domain) {
        able(Spool.class);
        scheduler.flush(requireNonNull(domain, "domain"));
        audit("API", "FLUSH", "domain=" + domain, 0, 0, "");
    }

    @Override
    public void flushOutsideHours(MailDomain domain, String by) {
        able(Spool.class);
        requireNonNull(by, "by");
        scheduler.flushOutsideHours(requireNonNull(domain, "domain"));
        audit(by, "FLUSH_OUTSIDE_HOURS", "domain=" + domain, 0, 0, "");
    }

    @Override
    public void flushAll() {
        able(Spool.class);
        scheduler.flushAll();
        audit("API", "FLUSH", "all", 0, 0, "");
    }

    @Override
    public boolean order(QueueOrder order, SpoolId id) throws SpoolException {
        requireNonNull(order, "order");
        requireNonNull(id, "id");
        able(order);
        List<SpoolException> faults = new ArrayList<>(1);
        boolean changed = !actions.change(order, List.of(id), (failed, fault) -> faults.add(fault))
                .isEmpty();
        if (!faults.isEmpty()) {
            throw faults.get(0);
        }
        audit(order.by(), order.kind().name(), id.value(), 1, changed ? 1 : 0, order.reason());
        return changed;
    }

    @Override
    public Optional<QueuedMessage> find(SpoolId id) throws SpoolException {
        return able(FindableSpool.class).find(requireNonNull(id, "id"));
    }

    @Override
    public List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException {
        return able(FindableSpool.class).find(requireNonNull(filter, "filter"), requireNonNull(after, "after"), limit);
    }

    @Override
    public Optional<QueuedMail> show(SpoolId id) throws SpoolException {
        return walk().find(requireNonNull(id, "id"));
    }

    @Override
    public InputStream read(SpoolId id, String by) throws SpoolException {
        requireNonNull(by, "by");
        InputStream mailData = able(Spool.class).read(requireNonNull(id, "id"));
        audit(by, "READ", id.value(), 1, 0, "");
        return mailData;
    }

    @Override
    public QueuePage list(QueueSelection selection, Optional<SpoolId> after, int limit) throws SpoolException {
        requireNonNull(selection, "selection");
        requireNonNull(after, "after");
        if (limit < 1 || limit > MAX_PAGE) {
            throw new IllegalArgumentException("limit: " + limit + " (expected: 1 to " + MAX_PAGE + ")");
        }
        List<QueuedMail> mails = new ArrayList<>();
        // one more tells whether there is a next page
        walk().walk(selection, listed(selection), after, limit + 1, mail -> mails.add(mail) && mails.size() <= limit);
        return mails.size() <= limit
                ? new QueuePage(mails, Optional.empty())
                : new QueuePage(
                        mails.subList(0, limit),
                        Optional.of(mails.get(limit - 1).id()));
    }

    private static Set<QueueArea> listed(QueueSelection selection) {
        return selection.areas().isEmpty() ? EnumSet.complementOf(EnumSet.of(QueueArea.RECYCLED)) : selection.areas();
    }

    @Override
    public ReadableSpool view(QueueSelection selection, String by) {
        requireNonNull(selection, "selection");
        requireNonNull(by, "by");
        ReadableSpool view = new SelectedMail(delivery.spool, walk(), selection, listed(selection));
        audit(by, "EXPORT", selection.toString(), 0, 0, "");
        return view;
    }

    @Override
    public QueuePlan plan(QueueOrder order, QueueSelection selection) throws SpoolException {
        requireNonNull(selection, "selection");
        able(requireNonNull(order, "order"));
        return works.plan(walk(), order, selection);
    }

    @Override
    public CompletionStage<QueueProgress> run(String token) {
        able(Spool.class);
        return works.run(requireNonNull(token, "token"));
    }

    @Override
    public Optional<QueueProgress> progress(String token) {
        return works.progress(requireNonNull(token, "token"));
    }

    @Override
    public void stop(String token) {
        works.stop(requireNonNull(token, "token"));
    }

    @Override
    public CompletionStage<RedirectPreview> previewRedirect(MailDomain domain, NextHop to) throws SpoolException {
        able(Spool.class);
        long messages = recycle.counted(delivery.spool.lanes()).stream()
                .filter(lane -> lane.domain().equals(requireNonNull(domain, "domain")))
                .mapToLong(SpoolLane::queued)
                .sum();
        return redirections.preview(domain, requireNonNull(to, "to"), messages);
    }

    @Override
    public void redirect(MailDomain domain, NextHop to, String by) {
        able(Spool.class);
        redirections.begin(requireNonNull(domain, "domain"), requireNonNull(to, "to"));
        audit(requireNonNull(by, "by"), "REDIRECT", domain + " to " + to, 0, 0, "");
    }

    @Override
    public boolean endRedirect(MailDomain domain, String by) {
        able(Spool.class);
        boolean ended = redirections.end(requireNonNull(domain, "domain"));
        if (ended) {
            audit(requireNonNull(by, "by"), "END_REDIRECT", domain.toString(), 0, 0, "");
        }
        return ended;
    }

    @Override
    public Map<MailDomain, NextHop> redirects() {
        able(Spool.class);
        return delivery.orders.redirects();
    }

    @Override
    public DrainProgress drain() throws SpoolException {
        able(Spool.class);
        return scheduler.drainProgress();
    }

    /** Returns what is queued, lane by lane; recycled messages are not. */
    List<SpoolLane> lanes() throws SpoolException {
        return recycle.counted(delivery.spool.lanes());
    }
}
