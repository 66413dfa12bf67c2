package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages whose mail data is still arriving. What fits one chunk waits in the heap and is stored in one transaction;
 * more is stored chunk by chunk in short transactions below an uncommitted message row, so that a slow client holds no
 * connection. Thread-safe.
 *
 * <p>Whom nobody finishes, a sweep removes by the database's clock. That is safe beside other engines: a commit needs
 * the row to be there still, and fails if it was swept.
 */
final class Uploads {

    private static final Logger LOG = LoggerFactory.getLogger(Uploads.class);

    private static final long SWEEP_NANOS = Duration.ofHours(1).toNanos();

    private final Database database;
    private final MessageTable messages;
    private final ChunkTable chunks;
    private final Doubtful doubtful;
    private final Removals removals;
    private final long abandonedAfterMicros;
    private final LongSupplier nanoTime;
    private final AtomicLong sweptAt;

    /** The uncommitted rows of this spool's writers. */
    private final Set<String> open = ConcurrentHashMap.newKeySet();

    Uploads(
            Database database,
            MessageTable messages,
            ChunkTable chunks,
            Doubtful doubtful,
            Removals removals,
            Duration abandonedAfter,
            LongSupplier nanoTime) {
        this.database = database;
        this.messages = messages;
        this.chunks = chunks;
        this.doubtful = doubtful;
        this.removals = removals;
        this.abandonedAfterMicros = abandonedAfter.toMillis() * 1_000;
        this.nanoTime = nanoTime;
        sweptAt = new AtomicLong(nanoTime.getAsLong());
    }

    void checkOpen() throws SpoolException {
        database.checkOpen();
    }

    /** Stores the first chunk of a message that has more than one. */
    void start(SpoolId id, Envelope envelope, Instant receivedAt, byte[] first) throws SpoolException {
        sweepNowAndThen();
        open.add(id.value());
        database.write("store mail data", Database.Durable.SOON, c -> {
            messages.insert(c, id, envelope, receivedAt, false, 0, 0);
            chunks.insert(c, id, 0, first);
            return id;
        });
    }

    void add(SpoolId id, int number, byte[] bytes) throws SpoolException {
        database.write("store mail data", Database.Durable.SOON, c -> {
            chunks.insert(c, id, number, bytes);
            return id;
        });
    }

    /** Stores the last chunk, if it has octets, and all else in one transaction. */
    void commit(SpoolId id, Envelope envelope, Instant receivedAt, int number, byte[] last, long size)
            throws SpoolException {
        int count = last.length == 0 ? number : number + 1;
        database.write(
                "commit a message",
                Database.Durable.NOW,
                c -> {
                    if (number == 0) {
                        messages.insert(c, id, envelope, receivedAt, true, size, count);
                    } else if (!messages.commit(c, id, size, count)) {
                        throw new SpoolException("message " + id + " took longer than "
                                + Duration.ofMillis(abandonedAfterMicros / 1_000) + " to arrive and was removed");
                    }
                    messages.insertRecipientsAndLanes(c, id, envelope, receivedAt, size);
                    if (last.length > 0) {
                        chunks.insert(c, id, number, last);
                    }
                    return id;
                },
                () -> doubtful.add(id.value()));
        open.remove(id.value());
    }

    /** Removes what a writer stored. Fails silently but for the log: the sweep comes after it. */
    void abandon(SpoolId id) {
        if (!open.remove(id.value()) || database.isClosed()) {
            return;
        }
        try {
            database.write("abandon a message", Database.Durable.SOON, c -> {
                removals.condemn(c, id.value());
                return id;
            });
            removals.clear(id.value());
        } catch (SpoolException e) {
            LOG.atDebug().addKeyValue("spoolId", id).setCause(e).log("abandoned message not removed yet");
        }
    }

    /** Removes what the writers stored that are open. */
    void abandonAll() {
        open.forEach(id -> abandon(new SpoolId(id)));
    }

    /** Condemns what the writers stored that are open when the spool is closed; a sweep clears it. */
    void condemnAll(Connection c) throws SQLException {
        condemn(c, List.copyOf(open));
    }

    private void sweepNowAndThen() throws SpoolException {
        long now = nanoTime.getAsLong();
        long last = sweptAt.get();
        if (now - last >= SWEEP_NANOS && sweptAt.compareAndSet(last, now)) {
            sweep();
        }
    }

    /** Removes messages that began to arrive too long ago or are condemned, by whichever engine. */
    void sweep() throws SpoolException {
        List<String> swept = database.write("remove abandoned messages", Database.Durable.SOON, c -> {
            List<String> stale = new ArrayList<>();
            try (PreparedStatement statement = Database.prepare(c, database.sql.stale, abandonedAfterMicros);
                    ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    stale.add(rows.getString(1));
                }
            }
            condemn(c, stale);
            return stale;
        });
        swept.forEach(removals::clear);
        if (!swept.isEmpty()) {
            LOG.atInfo()
                    .addKeyValue("messages", swept.size())
                    .log("removed mail data of messages that never arrived whole or are gone");
        }
    }

    private void condemn(Connection c, List<String> ids) throws SQLException {
        for (String id : ids) {
            removals.condemn(c, id);
        }
    }
}
