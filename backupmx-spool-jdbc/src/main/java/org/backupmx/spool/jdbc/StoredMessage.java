package org.backupmx.spool.jdbc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpooledMessage;
import org.jspecify.annotations.Nullable;

/** The rows of one message as they were loaded, and the values that they make. Used by one thread. */
final class StoredMessage {

    /** The columns of the message's own row. */
    record Head(
            long receivedAt,
            String reversePath,
            String bodyType,
            boolean smtpUtf8,
            @Nullable Long declaredBytes,
            @Nullable String ret,
            @Nullable String envid,
            int recipientCount,
            long sizeBytes) {}

    /** The columns of one recipient. */
    record RecipientRow(
            int index,
            String localPart,
            String domain,
            String notifyOn,
            @Nullable String orcpt,
            States.Row state) {

        Recipient recipient() {
            Recipient recipient = Recipient.of(new ForwardPath(new Mailbox(localPart, MailDomain.of(domain))));
            if (!notifyOn.isEmpty()) {
                Set<Notify> notify = Arrays.stream(notifyOn.split(","))
                        .map(Notify::valueOf)
                        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Notify.class)));
                recipient = recipient.withNotify(notify);
            }
            return orcpt == null ? recipient : recipient.withOrcpt(orcpt);
        }
    }

    /**
     * What follows the BODY keyword in the column {@code body_type} where MAIL had REQUIRETLS. A release that does not know
     * it takes the row for damaged, and so does not send the message in clear.
     */
    private static final String REQUIRETLS = "+TLS";

    private record Lane(boolean held, long due, int attempts) {}

    private final String id;
    private @Nullable Head head;
    private final List<RecipientRow> recipients = new ArrayList<>(1);
    private final Map<String, Lane> lanes = new HashMap<>();

    StoredMessage(String id) {
        this.id = id;
    }

    void head(Head value) {
        head = value;
    }

    void addRecipient(RecipientRow row) {
        recipients.add(row);
    }

    void addLane(String domain, boolean held, long due, int attempts) {
        lanes.put(domain, new Lane(held, due, attempts));
    }

    boolean exists() {
        return head != null;
    }

    SpooledMessage spooled() throws SpoolDamagedException {
        Head h = head;
        if (h == null || recipients.size() != h.recipientCount) {
            throw damaged(recipients.size() + " recipients (expected: " + (h == null ? 0 : h.recipientCount) + ")");
        }
        try {
            Envelope.Builder envelope = Envelope.from(ReversePath.parse(h.reversePath))
                    .bodyType(bodyType(h.bodyType))
                    .smtpUtf8(h.smtpUtf8)
                    .requireTls(h.bodyType.endsWith(REQUIRETLS));
            recipients.forEach(row -> envelope.to(row.recipient()));
            if (h.declaredBytes != null) {
                envelope.declaredBytes(h.declaredBytes);
            }
            DsnParameters dsn = DsnParameters.none();
            dsn = h.ret == null ? dsn : dsn.withRet(Ret.valueOf(h.ret));
            dsn = h.envid == null ? dsn : dsn.withEnvid(h.envid);
            return new SpooledMessage(
                    new SpoolId(id), envelope.dsn(dsn).build(), Micros.instant(h.receivedAt), h.sizeBytes);
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw damaged(String.valueOf(e.getMessage()));
        }
    }

    /** Returns the column {@code body_type} of an envelope. */
    static String bodyType(Envelope envelope) {
        return envelope.bodyType().keyword() + (envelope.requireTls() ? REQUIRETLS : "");
    }

    private static BodyType bodyType(String column) {
        for (BodyType type : BodyType.values()) {
            if (column.equals(type.keyword()) || column.equals(type.keyword() + REQUIRETLS)) {
                return type;
            }
        }
        throw new IllegalArgumentException(
                "body_type: " + column + " (expected: a BODY keyword, " + REQUIRETLS + " or not)");
    }

    /** Returns the recipients of a lane that are not final. */
    List<QueuedRecipient> open(MailDomain domain, SpooledMessage message) throws SpoolDamagedException {
        List<QueuedRecipient> open = new ArrayList<>(recipients.size());
        List<Recipient> all = message.envelope().recipients();
        try {
            for (int i = 0; i < all.size(); i++) {
                RecipientRow row = recipients.get(i);
                if (all.get(i).domain().equals(domain)) {
                    QueuedRecipient queued =
                            new QueuedRecipient(i, all.get(i), row.state().state());
                    if (!queued.state().isFinal()) {
                        open.add(queued);
                    }
                }
            }
        } catch (IllegalArgumentException e) {
            throw damaged(String.valueOf(e.getMessage()));
        }
        if (open.isEmpty()) {
            throw damaged("lane " + domain + " without work");
        }
        return open;
    }

    QueuedMessage queued() throws SpoolDamagedException {
        SpooledMessage message = spooled();
        List<MessageLane> queued = new ArrayList<>(lanes.size());
        boolean held = false;
        for (MailDomain domain : message.envelope().domains()) {
            Lane lane = lanes.get(domain.toString());
            if (lane != null) {
                queued.add(new MessageLane(domain, open(domain, message), lane.attempts, Micros.instant(lane.due)));
                held |= lane.held;
            }
        }
        if (queued.isEmpty() || queued.size() != lanes.size()) {
            throw damaged(queued.size() + " lanes of " + lanes.size() + " rows (expected: as many, at least 1)");
        }
        return new QueuedMessage(message, queued, held);
    }

    private SpoolDamagedException damaged(String what) {
        return new SpoolDamagedException("message " + id + ": " + what);
    }
}
