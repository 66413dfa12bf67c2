package org.backupmx.spool.jdbc;

/** The statements, for one table prefix. They are the same for every dialect. */
final class Sql {

    /** The {@code lease_until} of a lane that was never leased or whose lease was settled. */
    static final long NOT_LEASED = Long.MIN_VALUE;

    private static final String LOCK = " FOR UPDATE SKIP LOCKED";

    /**
     * How to go through what is free in a lane, in the order of a key, and of identities where that is equal. Every query
     * begins with the parameters domain, greatest due instant and now.
     *
     * @param lock locks rows in order; parameter: at most so many
     * @param pickFrom tells identities and keys from a key on; parameters: key, at most so many
     * @param pickEqual those of one key behind an identity; parameters: key, identity, at most so many
     */
    record LaneOrder(String lock, String pickFrom, String pickEqual, boolean isDescending) {

        /** All of the index is named, and a range of it given, so that it is followed and read no further. */
        static LaneOrder of(String select, String key, boolean isDescending) {
            String to = isDescending ? " DESC" : "";
            String order = " ORDER BY domain" + to + ", held" + to + ", " + key + to + ", message_id" + to + " LIMIT ?";
            String pick = select.formatted(key);
            return new LaneOrder(
                    select.formatted("due") + order + LOCK,
                    pick + " AND " + key + (isDescending ? " <= ?" : " >= ?") + order,
                    pick + " AND " + key + " = ? AND message_id" + (isDescending ? " < ?" : " > ?") + order,
                    isDescending);
        }

        LaneOrder withLock(String other) {
            return new LaneOrder(other, pickFrom, pickEqual, isDescending);
        }

        long first() {
            return isDescending ? Long.MAX_VALUE : Long.MIN_VALUE;
        }

        long last() {
            return isDescending ? Long.MIN_VALUE : Long.MAX_VALUE;
        }

        long next(long key) {
            return isDescending ? key - 1 : key + 1;
        }
    }

    final String version;
    final String touchVersion;

    final String insertMessage;
    final String commitMessage;
    final String insertRecipient;
    final String insertLane;
    final String insertChunk;
    final String condemnUncommitted;
    final String stale;

    final String lockMessage;
    final String deleteMessage;
    final String condemnCommitted;
    final String deleteLanes;
    final String deleteRecipients;
    final String lastChunk;
    final String deleteChunksAfter;
    final String deleteCondemned;
    final String messages;
    final String recipients;
    final String lanesOfMessages;
    final String messageIds;
    final String firstChunk;
    final String chunk;

    final String lanes;
    final String nextDue;
    final LaneOrder oldest;
    final LaneOrder newest;
    final LaneOrder smallest;
    final LaneOrder notFresh;
    final String lockPicked;
    final String takeLease;
    final String renewLease;
    final String checkLease;
    final String settleRecipient;
    final String settleLane;
    final String deleteLane;
    final String countLanes;
    final String giveUpLeases;
    final String hold;
    final String reschedule;
    final String rescheduleLane;
    final String resetAttempts;

    private final String message;
    private final String recipient;
    private final String lane;

    Sql(String prefix) {
        message = prefix + "message";
        recipient = prefix + "recipient";
        lane = prefix + "lane";
        String chunks = prefix + "chunk";
        String versions = prefix + "schema_version";

        version = "SELECT version FROM " + versions + " ORDER BY version";
        touchVersion = "UPDATE " + versions + " SET version = version";

        insertMessage = "INSERT INTO " + message + " (id, committed, begun_at, received_at, reverse_path, body_type,"
                + " smtp_utf8, declared_bytes, ret, envid, recipient_count, size_bytes, chunk_count)"
                + " VALUES (?, ?, CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) AS BIGINT) * 1000000,"
                + " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        commitMessage = "UPDATE " + message + " SET committed = TRUE, size_bytes = ?, chunk_count = ?"
                + " WHERE id = ? AND NOT committed AND begun_at > 0";
        insertRecipient = "INSERT INTO " + recipient + " (message_id, recipient_no, local_part, domain, notify_on,"
                + " orcpt, state) VALUES (?, ?, ?, ?, ?, ?, ?)";
        insertLane = "INSERT INTO " + lane + " (message_id, domain, held, due, attempts, lease_until, lease_token,"
                + " lease_owner, received_at, size_bytes) VALUES (?, ?, FALSE, ?, 0, " + NOT_LEASED + ", 0, 0, ?, ?)";
        insertChunk = "INSERT INTO " + chunks + " (message_id, chunk_no, crc32c, mail_data) VALUES (?, ?, ?, ?)";
        condemnUncommitted = "UPDATE " + message + " SET begun_at = 0 WHERE id = ? AND NOT committed";
        stale = "SELECT id FROM " + message + " WHERE NOT committed AND begun_at <"
                + " CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) AS BIGINT) * 1000000 - ?"
                + " ORDER BY begun_at LIMIT 1000 FOR UPDATE SKIP LOCKED";

        lockMessage = "SELECT id FROM " + message + " WHERE id = ? AND committed FOR UPDATE";
        deleteMessage = "DELETE FROM " + message + " WHERE id = ? AND committed AND size_bytes <= ?";
        condemnCommitted = "UPDATE " + message + " SET committed = FALSE, begun_at = 0 WHERE id = ? AND committed";
        deleteLanes = "DELETE FROM " + lane + " WHERE message_id = ?";
        deleteRecipients = "DELETE FROM " + recipient + " WHERE message_id = ?";
        lastChunk = "SELECT MAX(chunk_no) FROM " + chunks + " WHERE message_id = ?";
        deleteChunksAfter = "DELETE FROM " + chunks + " WHERE message_id = ? AND chunk_no > ?";
        deleteCondemned = "DELETE FROM " + message + " WHERE id = ? AND NOT committed AND begun_at = 0";
        messages = "SELECT id, received_at, reverse_path, body_type, smtp_utf8, declared_bytes, ret, envid,"
                + " recipient_count, size_bytes FROM " + message + " WHERE id = ANY (?) AND committed ORDER BY id";
        recipients = "SELECT message_id, recipient_no, local_part, domain, notify_on, orcpt, state, reply_code,"
                + " reply_enhanced, reply_text, state_at FROM " + recipient
                + " WHERE message_id = ANY (?) ORDER BY message_id, recipient_no";
        lanesOfMessages = "SELECT message_id, domain, held, due, attempts FROM " + lane + " WHERE message_id = ANY (?)";
        messageIds = "SELECT m.id FROM " + message + " m WHERE m.committed AND m.id > ?";
        firstChunk = "SELECT m.size_bytes, m.chunk_count, c.crc32c, c.mail_data FROM " + message + " m LEFT JOIN "
                + chunks + " c ON c.message_id = m.id AND c.chunk_no = 0 WHERE m.id = ? AND m.committed";
        chunk = "SELECT crc32c, mail_data FROM " + chunks + " WHERE message_id = ? AND chunk_no = ?";

        lanes = "SELECT domain, COUNT(*), SUM(CASE WHEN held THEN 1 ELSE 0 END), SUM(size_bytes), MIN(received_at)"
                + " FROM " + lane + " GROUP BY domain";
        // Rows due after the first one that was never leased cannot be the earliest, so the index is read no further.
        nextDue = "SELECT MIN(GREATEST(due, lease_until)) FROM " + lane + " WHERE domain = ? AND held = FALSE"
                + " AND due <= COALESCE((SELECT due FROM " + lane + " WHERE domain = ? AND held = FALSE"
                + " AND lease_until = " + NOT_LEASED + " ORDER BY domain, held, due LIMIT 1), " + Long.MAX_VALUE + ")";
        String select = "SELECT message_id, %s, attempts FROM " + lane + " WHERE domain = ? AND held = FALSE AND ";
        String free = " <= ? AND lease_until <= ?";
        // Fresh: due since it was received.
        String fresh = free + " AND due = received_at";
        oldest = LaneOrder.of(select + "due" + free, "due", false);
        newest = LaneOrder.of(select + "due" + fresh, "due", true);
        // PostgreSQL sorts twice as long by columns that are all equal; H2 would go by due instant and sort.
        smallest = LaneOrder.of(select + "received_at" + fresh, "size_bytes", false)
                .withLock(select.formatted("due") + "due" + fresh + " ORDER BY size_bytes, message_id LIMIT ?" + LOCK);
        notFresh = LaneOrder.of(select + "due" + free + " AND due <> received_at", "due", false);
        // Not by due instant: with few rows, or statistics of that time, H2 reads the lane by it and not the one row.
        lockPicked = select.formatted("due") + "due + 0" + free + " AND message_id = ?" + LOCK;
        takeLease = "UPDATE " + lane + " SET lease_until = ?, lease_token = ?, lease_owner = ?"
                + " WHERE message_id = ? AND domain = ?";
        renewLease = "UPDATE " + lane + " SET lease_until = ?, lease_token = ?, lease_owner = ?"
                + " WHERE message_id = ? AND domain = ? AND lease_token = ? AND lease_until > ?";
        checkLease = "SELECT due FROM " + lane
                + " WHERE message_id = ? AND domain = ? AND lease_token = ? AND lease_until > ? FOR UPDATE";
        settleRecipient = "UPDATE " + recipient + " SET state = ?, reply_code = ?, reply_enhanced = ?, reply_text = ?,"
                + " state_at = ? WHERE message_id = ? AND recipient_no = ?";
        settleLane = "UPDATE " + lane + " SET due = ?, attempts = attempts + ?, lease_until = " + NOT_LEASED
                + ", lease_token = 0, lease_owner = 0 WHERE message_id = ? AND domain = ?";
        deleteLane = "DELETE FROM " + lane + " WHERE message_id = ? AND domain = ?";
        countLanes = "SELECT COUNT(*) FROM " + lane + " WHERE message_id = ?";
        giveUpLeases = "UPDATE " + lane + " SET lease_until = " + NOT_LEASED
                + ", lease_token = 0, lease_owner = 0 WHERE lease_owner = ?";
        hold = "UPDATE " + lane + " SET held = ? WHERE message_id = ?";
        reschedule = "UPDATE " + lane + " SET due = ? WHERE message_id = ?";
        rescheduleLane = "UPDATE " + lane + " SET due = ? WHERE domain = ? AND lease_token = 0";
        resetAttempts = "UPDATE " + lane + " SET due = ?, attempts = 0 WHERE message_id = ?";
    }

    String andReversePath() {
        return " AND m.reverse_path = ?";
    }

    String andReceivedBefore() {
        return " AND m.received_at < ?";
    }

    String andLeastBytes() {
        return " AND m.size_bytes >= ?";
    }

    /** Which reply it was is looked at when the message is loaded. */
    String andDeferred() {
        return " AND EXISTS (SELECT 1 FROM " + recipient + " r WHERE r.message_id = m.id AND r.state = 'deferred')";
    }

    String andHeld() {
        return " AND EXISTS (SELECT 1 FROM " + lane + " l WHERE l.message_id = m.id AND l.held = ?)";
    }

    String andLane() {
        return " AND EXISTS (SELECT 1 FROM " + lane + " l WHERE l.message_id = m.id AND l.domain = ?)";
    }

    String andRecipient() {
        return " AND m.id IN (SELECT r.message_id FROM " + recipient + " r WHERE r.domain = ? AND r.local_part = ?"
                + " AND r.state IN ('pending', 'deferred'))";
    }

    String page() {
        return " ORDER BY m.id LIMIT ?";
    }
}
