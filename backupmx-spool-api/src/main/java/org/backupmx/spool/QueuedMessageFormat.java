package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;

/**
 * A binary form of a {@link QueuedMessage}, for spools that keep what they know of a message in one piece.
 *
 * <p>It starts with a version and ends with a CRC32C of all before it, so damage is found. A later version of this
 * library reads what this one wrote. Stateless and thread-safe.
 */
public final class QueuedMessageFormat {

    private static final int VERSION = 1;
    private static final int CRC_BYTES = 4;
    private static final int SMTPUTF8 = 1;
    private static final int REQUIRETLS = 2; // not written by the first releases

    private QueuedMessageFormat() {}

    /**
     * Returns the binary form of a message.
     *
     * @param message the message
     * @return the octets
     */
    public static byte[] encode(QueuedMessage message) {
        requireNonNull(message, "message");
        ByteArrayOutputStream octets = new ByteArrayOutputStream(256);
        try (DataOutputStream out = new DataOutputStream(octets)) {
            out.writeByte(VERSION);
            out.writeUTF(message.id().value());
            writeInstant(out, message.message().receivedAt());
            out.writeLong(message.message().sizeBytes());
            writeEnvelope(out, message.message().envelope());
            out.writeBoolean(message.held());
            out.writeInt(message.lanes().size());
            for (MessageLane lane : message.lanes()) {
                writeLane(out, lane);
            }
            out.writeInt(crc(octets.toByteArray(), octets.size()));
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        return octets.toByteArray();
    }

    /**
     * Returns the message that octets stand for.
     *
     * @param octets what {@link #encode} returned
     * @return the message
     * @throws SpoolDamagedException if the octets are anything else
     */
    public static QueuedMessage decode(byte[] octets) throws SpoolDamagedException {
        int end = octets.length - CRC_BYTES;
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(octets))) {
            if (end < 1
                    || crc(octets, end)
                            != new DataInputStream(new ByteArrayInputStream(octets, end, CRC_BYTES)).readInt()) {
                throw new SpoolDamagedException(
                        "queued message of " + octets.length + " octets (expected: its CRC32C)");
            }
            int version = in.readUnsignedByte();
            if (version != VERSION) {
                throw new SpoolDamagedException("queued message of format " + version + " (expected: " + VERSION
                        + "; a newer version of the library wrote it)");
            }
            SpoolId id = new SpoolId(in.readUTF());
            Instant receivedAt = readInstant(in);
            long sizeBytes = in.readLong();
            Envelope envelope = readEnvelope(in);
            boolean held = in.readBoolean();
            int count = in.readInt();
            List<MessageLane> lanes = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                lanes.add(readLane(in, envelope));
            }
            return new QueuedMessage(new SpooledMessage(id, envelope, receivedAt, sizeBytes), lanes, held);
        } catch (SpoolDamagedException e) {
            throw e;
        } catch (IOException | IllegalArgumentException | IllegalStateException | DateTimeException e) {
            throw new SpoolDamagedException("queued message of " + octets.length + " octets cannot be read", e);
        }
    }

    private static int crc(byte[] octets, int length) {
        CRC32C crc = new CRC32C();
        crc.update(octets, 0, length);
        return (int) crc.getValue();
    }

    private static void writeInstant(DataOutputStream out, Instant instant) throws IOException {
        out.writeLong(instant.getEpochSecond());
        out.writeInt(instant.getNano());
    }

    private static Instant readInstant(DataInputStream in) throws IOException {
        return Instant.ofEpochSecond(in.readLong(), in.readInt());
    }

    private static void writeEnvelope(DataOutputStream out, Envelope envelope) throws IOException {
        out.writeUTF(envelope.reversePath().toString());
        out.writeUTF(envelope.bodyType().name());
        out.writeByte((envelope.smtpUtf8() ? SMTPUTF8 : 0) | (envelope.requireTls() ? REQUIRETLS : 0));
        out.writeLong(envelope.declaredBytes().orElse(-1));
        out.writeUTF(envelope.dsn().ret().map(Ret::name).orElse(""));
        out.writeUTF(envelope.dsn().envid().orElse(""));
        out.writeInt(envelope.recipients().size());
        for (Recipient recipient : envelope.recipients()) {
            out.writeUTF(recipient.path().toString());
            out.writeByte(recipient.notifications().size());
            for (Notify notify : recipient.notifications()) {
                out.writeUTF(notify.name());
            }
            out.writeUTF(recipient.orcpt().orElse(""));
        }
    }

    private static Envelope readEnvelope(DataInputStream in) throws IOException {
        Envelope.Builder envelope = Envelope.from(ReversePath.parse(in.readUTF()));
        envelope.bodyType(BodyType.valueOf(in.readUTF()));
        int flags = in.readUnsignedByte();
        envelope.smtpUtf8((flags & SMTPUTF8) != 0).requireTls((flags & REQUIRETLS) != 0);
        long declaredBytes = in.readLong();
        if (declaredBytes >= 0) {
            envelope.declaredBytes(declaredBytes);
        }
        String ret = in.readUTF();
        String envid = in.readUTF();
        DsnParameters dsn =
                ret.isEmpty() ? DsnParameters.none() : DsnParameters.none().withRet(Ret.valueOf(ret));
        envelope.dsn(envid.isEmpty() ? dsn : dsn.withEnvid(envid));
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            Recipient recipient = Recipient.of(ForwardPath.parse(in.readUTF()));
            Set<Notify> notify = EnumSet.noneOf(Notify.class);
            for (int left = in.readUnsignedByte(); left > 0; left--) {
                notify.add(Notify.valueOf(in.readUTF()));
            }
            String orcpt = in.readUTF();
            recipient = recipient.withNotify(notify);
            envelope.to(orcpt.isEmpty() ? recipient : recipient.withOrcpt(orcpt));
        }
        return envelope.build();
    }

    private static void writeLane(DataOutputStream out, MessageLane lane) throws IOException {
        out.writeUTF(lane.domain().toString());
        out.writeInt(lane.attempts());
        writeInstant(out, lane.due());
        out.writeInt(lane.recipients().size());
        for (QueuedRecipient recipient : lane.recipients()) {
            out.writeInt(recipient.index());
            if (recipient.state() instanceof RecipientState.Deferred deferred) {
                out.writeBoolean(true);
                out.writeShort(deferred.reply().code());
                out.writeUTF(deferred.reply().enhanced().map(Object::toString).orElse(""));
                out.writeUTF(String.join("\n", deferred.reply().lines()));
                writeInstant(out, deferred.at());
            } else {
                out.writeBoolean(false); // pending: a lane holds no final recipient
            }
        }
    }

    private static MessageLane readLane(DataInputStream in, Envelope envelope) throws IOException {
        MailDomain domain = MailDomain.of(in.readUTF());
        int attempts = in.readInt();
        Instant due = readInstant(in);
        int count = in.readInt();
        List<QueuedRecipient> recipients = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int index = in.readInt();
            RecipientState state = RecipientState.Pending.INSTANCE;
            if (in.readBoolean()) {
                int code = in.readShort();
                String enhanced = in.readUTF();
                List<String> lines = Arrays.asList(in.readUTF().split("\n", -1));
                state = new RecipientState.Deferred(
                        SmtpReply.of(
                                code,
                                enhanced.isEmpty() ? Optional.empty() : Optional.of(EnhancedStatusCode.parse(enhanced)),
                                lines),
                        readInstant(in));
            }
            if (index < 0 || index >= envelope.recipients().size()) {
                throw new SpoolDamagedException("recipient " + index + " of a queued message (expected: 0 to "
                        + (envelope.recipients().size() - 1) + ")");
            }
            recipients.add(new QueuedRecipient(index, envelope.recipients().get(index), state));
        }
        return new MessageLane(domain, recipients, attempts, due);
    }
}
