package org.backupmx.spool.jdbc;

import static java.util.stream.Collectors.joining;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.spool.SpoolId;

/** Messages with their recipients, to rows and back. */
final class MessageTable {

    private final Sql sql;

    MessageTable(Sql sql) {
        this.sql = sql;
    }

    void insert(
            Connection c, SpoolId id, Envelope envelope, Instant receivedAt, boolean committed, long size, int chunks)
            throws SQLException {
        try (PreparedStatement statement = Database.prepare(
                c,
                sql.insertMessage,
                id.value(),
                committed,
                Micros.floor(receivedAt),
                envelope.reversePath().toString(),
                StoredMessage.bodyType(envelope))) {
            Database.setFrom(
                    statement,
                    6,
                    envelope.smtpUtf8(),
                    envelope.declaredBytes().isPresent()
                            ? envelope.declaredBytes().getAsLong()
                            : null,
                    envelope.dsn().ret().map(Ret::name).orElse(null),
                    envelope.dsn().envid().orElse(null),
                    envelope.recipients().size(),
                    size,
                    chunks);
            statement.executeUpdate();
        }
    }

    /** Tells that the mail data is complete; returns false if the message is not there any more. */
    boolean commit(Connection c, SpoolId id, long size, int chunks) throws SQLException {
        return Database.update(c, sql.commitMessage, size, chunks, id.value()) == 1;
    }

    void insertRecipientsAndLanes(Connection c, SpoolId id, Envelope envelope, Instant receivedAt, long size)
            throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(sql.insertRecipient)) {
            List<Recipient> recipients = envelope.recipients();
            for (int i = 0; i < recipients.size(); i++) {
                Recipient recipient = recipients.get(i);
                Mailbox mailbox = recipient.path().mailbox();
                Database.setFrom(
                        statement,
                        1,
                        id.value(),
                        i,
                        mailbox.localPart(),
                        mailbox.domain().toString(),
                        recipient.notifications().stream().map(Notify::name).collect(joining(",")),
                        recipient.orcpt().orElse(null),
                        States.PENDING);
                statement.addBatch();
            }
            statement.executeBatch();
        }
        try (PreparedStatement statement = c.prepareStatement(sql.insertLane)) {
            long received = Micros.floor(receivedAt);
            for (MailDomain domain : envelope.domains()) {
                Database.setFrom(statement, 1, id.value(), domain.toString(), received, received, size);
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    /** Locks a message until the transaction ends; returns false if it is not queued. */
    boolean lock(Connection c, SpoolId id) throws SQLException {
        try (PreparedStatement statement = Database.prepare(c, sql.lockMessage, id.value());
                ResultSet rows = statement.executeQuery()) {
            return rows.next();
        }
    }

    /** Loads messages with their recipients, and lanes if asked; those not queued are not in the map. */
    Map<String, StoredMessage> load(Connection c, Collection<String> ids, boolean withLanes) throws SQLException {
        Map<String, StoredMessage> found = new LinkedHashMap<>();
        Array array = c.createArrayOf("varchar", ids.toArray());
        try {
            if (withLanes) {
                loadLanes(c, array, found);
            }
            loadMessages(c, array, found);
            loadRecipients(c, array, found);
        } finally {
            array.free();
        }
        found.values().removeIf(message -> !message.exists());
        return found;
    }

    private void loadLanes(Connection c, Array ids, Map<String, StoredMessage> found) throws SQLException {
        try (PreparedStatement statement = Database.prepare(c, sql.lanesOfMessages, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                found.computeIfAbsent(rows.getString(1), StoredMessage::new)
                        .addLane(rows.getString(2), rows.getBoolean(3), rows.getLong(4), rows.getInt(5));
            }
        }
    }

    private void loadMessages(Connection c, Array ids, Map<String, StoredMessage> found) throws SQLException {
        try (PreparedStatement statement = Database.prepare(c, sql.messages, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                StoredMessage message = found.computeIfAbsent(rows.getString(1), StoredMessage::new);
                long declared = rows.getLong(6);
                boolean isDeclared = !rows.wasNull();
                message.head(new StoredMessage.Head(
                        rows.getLong(2),
                        rows.getString(3),
                        rows.getString(4),
                        rows.getBoolean(5),
                        isDeclared ? declared : null,
                        rows.getString(7),
                        rows.getString(8),
                        rows.getInt(9),
                        rows.getLong(10)));
            }
        }
    }

    private void loadRecipients(Connection c, Array ids, Map<String, StoredMessage> found) throws SQLException {
        try (PreparedStatement statement = Database.prepare(c, sql.recipients, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                StoredMessage message = found.get(rows.getString(1));
                if (message != null) {
                    message.addRecipient(new StoredMessage.RecipientRow(
                            rows.getInt(2),
                            rows.getString(3),
                            rows.getString(4),
                            rows.getString(5),
                            rows.getString(6),
                            new States.Row(
                                    rows.getString(7),
                                    rows.getInt(8),
                                    rows.getString(9),
                                    rows.getString(10),
                                    rows.getLong(11))));
                }
            }
        }
    }
}
