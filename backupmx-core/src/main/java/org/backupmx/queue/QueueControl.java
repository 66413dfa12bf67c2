package org.backupmx.queue;

import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/**
 * Looks at the queue of an engine and steers it. Thread-safe; methods that throw {@link SpoolException} may block.
 *
 * <p>One message is changed by {@link #order}. Many are changed in two steps: {@link #plan} counts and remembers them,
 * {@link #run} changes exactly these, in the background and gently. Every order, and every look into mail data, is told
 * to listeners as {@link org.backupmx.event.QueueOrdered} and logged.
 *
 * <p>What goes beyond {@link org.backupmx.spool.Spool} needs a spool with that ability; without it the method throws
 * {@link IllegalStateException} and names the interface that is missing. Every method throws it when the engine does
 * not run.
 */
public interface QueueControl {

    /** The most messages of a page of {@link #list}: {@value}. */
    int MAX_PAGE = 1000;

    /** The most messages of all plans together that wait or run: {@value}, some 30 MB of heap. */
    int MAX_PLANNED = 2_000_000;

    /** The most orders that run at a time: {@value}. */
    int MAX_RUNNING = 4;

    /**
     * Attempts everything queued for a domain now, whenever it is due. A primary that is away is probed first; what has to
     * wait for the hours of the domain goes when they begin.
     *
     * @param domain the destination domain
     */
    void flush(MailDomain domain);

    /**
     * Attempts everything queued for a domain now, whenever it is due and whatever its hours
     * ({@link org.backupmx.relay.DeliveryRate#hours}). Each message is attempted once; what is deferred then waits for the
     * hours. Caps hold.
     *
     * @param domain the destination domain
     * @param by who says so, a line, for the audit
     */
    void flushOutsideHours(MailDomain domain, String by);

    /**
     * Attempts everything queued now, whenever it is due. Primaries that are away are probed first; what has to wait for the
     * hours of a domain goes when they begin.
     */
    void flushAll();

    /**
     * Carries out an order on one message.
     *
     * @param order the order
     * @param id the message
     * @return false if it is not queued, or stands where the order means nothing
     * @throws SpoolException if the spool cannot be asked
     */
    boolean order(QueueOrder order, SpoolId id) throws SpoolException;

    /**
     * Makes a message due now. Needs a {@link org.backupmx.spool.ReschedulableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    default boolean flush(SpoolId id) throws SpoolException {
        return order(QueueOrder.of(QueueOrder.Kind.FLUSH), id);
    }

    /**
     * Holds a message: it is not attempted until released. An attempt under way goes on. Needs a
     * {@link org.backupmx.spool.HoldableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    default boolean hold(SpoolId id) throws SpoolException {
        return order(QueueOrder.of(QueueOrder.Kind.HOLD), id);
    }

    /**
     * Releases a held message. Needs a {@link org.backupmx.spool.HoldableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    default boolean release(SpoolId id) throws SpoolException {
        return order(QueueOrder.of(QueueOrder.Kind.RELEASE), id);
    }

    /**
     * Puts a message into the recycle area, for all its recipients; nobody is told. An attempt under way goes on. Needs
     * a {@link org.backupmx.spool.HoldableSpool} and a {@link org.backupmx.spool.DeletableSpool}; with
     * {@link org.backupmx.BackupMxBuilder#recycleFor} zero it is gone at once, and the first is not needed.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    default boolean delete(SpoolId id) throws SpoolException {
        return order(QueueOrder.of(QueueOrder.Kind.DELETE), id);
    }

    /**
     * Returns one queued message. Needs a {@link org.backupmx.spool.FindableSpool}.
     *
     * @param id the message
     * @return the message, empty if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    Optional<QueuedMessage> find(SpoolId id) throws SpoolException;

    /**
     * Returns a page of the messages that fit, whatever area they stand in. Needs a
     * {@link org.backupmx.spool.FindableSpool}.
     *
     * @param filter which messages
     * @param after the last message of the page before; empty for the first page
     * @param limit the most messages of this page, at least 1
     * @return the page; shorter than {@code limit} only if it is the last
     * @throws IllegalArgumentException if {@code limit} is below 1
     * @throws SpoolException if the spool cannot be asked
     */
    List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException;

    /**
     * Returns one message with where it stands. Needs a {@link org.backupmx.spool.FindableSpool}.
     *
     * @param id the message
     * @return the message, recycled ones included; empty if the spool has none
     * @throws SpoolException if the spool cannot be asked
     */
    Optional<QueuedMail> show(SpoolId id) throws SpoolException;

    /**
     * Opens the mail data of a message. The caller closes the stream.
     *
     * @param id the message
     * @param by who looks, a line, for the audit
     * @return its octets
     * @throws SpoolException if there is no such message, or it cannot be read
     */
    InputStream read(SpoolId id, String by) throws SpoolException;

    /**
     * Returns a page of the messages that are selected. Needs a {@link org.backupmx.spool.FindableSpool}.
     *
     * @param selection which messages
     * @param after where to go on: {@link QueuePage#next} of the page before, whether that message is still there or not;
     *     empty for the first page
     * @param limit the most messages of this page, 1 to {@value #MAX_PAGE}
     * @return the page
     * @throws IllegalArgumentException if {@code limit} is out of range
     * @throws SpoolException if the spool cannot be asked
     */
    QueuePage list(QueueSelection selection, Optional<SpoolId> after, int limit) throws SpoolException;

    /**
     * Returns the messages that are selected as what {@link org.backupmx.spool.transfer.SpoolExport} exports. Needs a
     * {@link org.backupmx.spool.FindableSpool}.
     *
     * @param selection which messages
     * @param by who looks, a line, for the audit
     * @return a view: what is selected when it is read. It blocks as the spool does
     */
    ReadableSpool view(QueueSelection selection, String by);

    /**
     * Counts and remembers the messages that an order would change, and changes none. Needs a
     * {@link org.backupmx.spool.FindableSpool}; with a million messages it takes a while. A plan is kept for 10 min; of
     * more than 8 that wait the oldest is forgotten.
     *
     * @param order what is to be done
     * @param selection with which messages; those in other areas than the order can change are left out
     * @return the plan
     * @throws IllegalArgumentException if there are more than {@value #MAX_PLANNED}, other plans included
     * @throws SpoolException if the spool cannot be asked
     */
    QueuePlan plan(QueueOrder order, QueueSelection selection) throws SpoolException;

    /**
     * Carries out a plan in the background: at most half of one worker's time, at most 2,000 messages a second.
     *
     * @param token the plan's
     * @return completes on a worker when it has ended, in whatever way
     * @throws IllegalArgumentException if there is no such plan, or no more
     * @throws IllegalStateException if {@value #MAX_RUNNING} orders run
     */
    CompletionStage<QueueProgress> run(String token);

    /**
     * Returns how far an order has come.
     *
     * @param token the plan's
     * @return its progress; empty if it did not begin, or ended more than 10 min ago
     */
    Optional<QueueProgress> progress(String token);

    /**
     * Stops an order: what it has changed stays changed. Does nothing if it has ended.
     *
     * @param token the plan's
     */
    void stop(String token);

    /**
     * Tells what a redirection would do, and does nothing but look the next hop up and probe it.
     *
     * @param domain a destination domain
     * @param to the next hop
     * @return completes on a worker
     * @throws SpoolException if the spool cannot be asked
     */
    CompletionStage<RedirectPreview> previewRedirect(MailDomain domain, NextHop to) throws SpoolException;

    /**
     * Sends all mail of a domain, what is queued and what comes, to a next hop in place of its own, until the redirection
     * is ended. It outlives the engine if there is a {@link org.backupmx.BackupMxBuilder#historyStore}.
     *
     * <p>What comes is accepted whatever the state of that next hop: nobody but us sends there.
     *
     * @param domain a destination domain
     * @param to the next hop; its addresses may be private
     * @param by who says so, a line, for the audit
     */
    void redirect(MailDomain domain, NextHop to, String by);

    /**
     * Ends a redirection.
     *
     * @param domain a destination domain
     * @param by who says so, a line, for the audit
     * @return false if there was none
     */
    boolean endRedirect(MailDomain domain, String by);

    /**
     * Returns the redirections in force.
     *
     * @return next hops by domain
     */
    Map<MailDomain, NextHop> redirects();

    /**
     * Returns how fast queued mail goes out. Blocks while the spool is asked.
     *
     * @return a snapshot
     * @throws SpoolException if the spool cannot be asked
     */
    DrainProgress drain() throws SpoolException;
}
