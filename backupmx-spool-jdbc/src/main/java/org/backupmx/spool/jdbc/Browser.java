package org.backupmx.spool.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows queued messages in order of their identity, a page of rows at a time. Thread-safe. */
final class Browser {

    private static final Logger LOG = LoggerFactory.getLogger(Browser.class);

    private static final int PAGE = 200;

    private final Database database;
    private final Sql sql;
    private final MessageTable messages;

    Browser(Database database, MessageTable messages) {
        this.database = database;
        this.sql = database.sql;
        this.messages = messages;
    }

    Optional<QueuedMessage> find(SpoolId id) throws SpoolException {
        for (SpoolEntry entry : entries(List.of(id.value()))) {
            if (entry instanceof SpoolEntry.Intact intact) {
                return Optional.of(intact.message());
            }
            throw new SpoolDamagedException(entry.toString());
        }
        return Optional.empty();
    }

    List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException {
        if (limit < 1) {
            throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
        }
        List<QueuedMessage> found = new ArrayList<>();
        walk(filter, after.map(SpoolId::value).orElse(""), limit, entry -> {
            if (entry instanceof SpoolEntry.Intact intact) {
                // Again, for rows change between one statement and the next, and microseconds are not nanoseconds.
                if (filter.matches(intact.message())) {
                    found.add(intact.message());
                }
            } else {
                LOG.atWarn().log("damaged message not shown: {}", entry);
            }
            return found.size() < limit;
        });
        return found;
    }

    List<QueuedMessage> readableBy(Mailbox recipient, Optional<SpoolId> after, int limit) throws SpoolException {
        return find(SpoolFilter.all().recipient(recipient), after, limit);
    }

    void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        walk(SpoolFilter.all(), "", PAGE, entry -> {
            visitor.accept(entry);
            return true;
        });
    }

    private interface Visitor {
        /** Returns whether to go on. */
        boolean visit(SpoolEntry entry);
    }

    /** Visits without a connection in hand: the visitor may take its time. */
    private void walk(SpoolFilter filter, String after, int limit, Visitor visitor) throws SpoolException {
        String last = after;
        int page = Math.min(limit, PAGE);
        while (true) {
            String from = last;
            List<String> ids = database.read("list messages", c -> ids(c, filter, from, page));
            if (ids.isEmpty()) {
                return;
            }
            for (SpoolEntry entry : entries(ids)) {
                if (!visitor.visit(entry)) {
                    return;
                }
            }
            if (ids.size() < page) {
                return;
            }
            last = ids.get(ids.size() - 1);
        }
    }

    private List<String> ids(Connection c, SpoolFilter filter, String after, int limit) throws SQLException {
        StringBuilder query = new StringBuilder(sql.messageIds);
        List<Object> parameters = new ArrayList<>(List.of(after));
        filter.reversePath().ifPresent(path -> {
            query.append(sql.andReversePath());
            parameters.add(path.toString());
        });
        filter.receivedBefore().ifPresent(before -> {
            query.append(sql.andReceivedBefore());
            parameters.add(Micros.ceil(before));
        });
        filter.leastBytes().ifPresent(bytes -> {
            query.append(sql.andLeastBytes());
            parameters.add(bytes);
        });
        filter.reply().ifPresent(reply -> query.append(sql.andDeferred()));
        filter.held().ifPresent(held -> {
            query.append(sql.andHeld());
            parameters.add(held);
        });
        filter.domain().ifPresent(domain -> {
            query.append(sql.andLane());
            parameters.add(domain.toString());
        });
        filter.recipient().ifPresent(mailbox -> {
            query.append(sql.andRecipient());
            parameters.add(mailbox.domain().toString());
            parameters.add(mailbox.localPart());
        });
        query.append(sql.page());
        parameters.add(limit);
        List<String> ids = new ArrayList<>();
        try (PreparedStatement statement = Database.prepare(c, query.toString(), parameters.toArray());
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                ids.add(rows.getString(1));
            }
        }
        return ids;
    }

    private List<SpoolEntry> entries(List<String> ids) throws SpoolException {
        Map<String, StoredMessage> stored = database.read("list messages", c -> messages.load(c, ids, true));
        List<SpoolEntry> entries = new ArrayList<>(ids.size());
        for (String id : ids) {
            StoredMessage message = stored.get(id);
            if (message != null) {
                SpoolEntry entry = entry(id, message);
                if (entry instanceof SpoolEntry.Damaged) {
                    reload(id).ifPresent(entries::add);
                } else {
                    entries.add(entry);
                }
            }
        }
        return entries;
    }

    /** What looks damaged may have changed between two statements: loads it again, with its row locked. */
    private Optional<SpoolEntry> reload(String id) throws SpoolException {
        return database.write("find a message", Database.Durable.SOON, c -> {
            if (!messages.lock(c, new SpoolId(id))) {
                return Optional.empty();
            }
            StoredMessage message = messages.load(c, List.of(id), true).get(id);
            return message == null ? Optional.empty() : Optional.of(entry(id, message));
        });
    }

    private static SpoolEntry entry(String id, StoredMessage message) {
        try {
            return new SpoolEntry.Intact(message.queued());
        } catch (SpoolDamagedException e) {
            return new SpoolEntry.Damaged(new SpoolId(id), String.valueOf(e.getMessage()));
        }
    }
}
