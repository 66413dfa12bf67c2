package org.backupmx.spool.file;

import java.time.Instant;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
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

/**
 * The meta of a MESSAGE or LONG record.
 *
 * <pre>
 * u64 size of the mail data      u32 number of chunks, 0 in a MESSAGE
 * i64 received, seconds          u32 received, nanoseconds
 * u8  flags: 1 SMTPUTF8, 2 SIZE given, 4 reverse-path not null, 8 REQUIRETLS
 * u8  BODY: 0 7BIT, 1 8BITMIME, 2 BINARYMIME      u8 RET: 0 none, 1 FULL, 2 HDRS
 * u16 number of lanes, and for each: text domain
 * u64 SIZE                       text ENVID, empty if none
 * text local part, text domain of the reverse-path, both empty if null
 * u32 number of recipients, and for each:
 *   u16 lane   text local part   u8 NOTIFY: 1 NEVER, 2 SUCCESS, 4 FAILURE, 8 DELAY   text ORCPT, empty if none
 *
 * text: u16 length in bytes, UTF-8
 * </pre>
 */
final class MessageMeta {

    /** The most lanes of one message. */
    static final int MAX_LANES = 0xffff;

    private static final int SMTPUTF8 = 1;
    private static final int SIZED = 2;
    private static final int ANSWERABLE = 4;
    private static final int REQUIRETLS = 8;
    private static final BodyType[] BODY_TYPES = {BodyType.SEVEN_BIT, BodyType.EIGHT_BIT_MIME, BodyType.BINARY_MIME};
    private static final Notify[] NOTIFIES = {Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY};

    private MessageMeta() {}

    /** What the index keeps of a message. */
    static final class Summary {
        private final long sizeBytes;
        private final int chunks;
        private final Instant receivedAt;
        private final MailDomain[] lanes;

        Summary(long sizeBytes, int chunks, Instant receivedAt, MailDomain[] lanes) {
            this.sizeBytes = sizeBytes;
            this.chunks = chunks;
            this.receivedAt = receivedAt;
            this.lanes = lanes;
        }

        long sizeBytes() {
            return sizeBytes;
        }

        int chunks() {
            return chunks;
        }

        Instant receivedAt() {
            return receivedAt;
        }

        MailDomain[] lanes() {
            return lanes;
        }
    }

    /** A message's meta, whole. */
    record Whole(long sizeBytes, int chunks, Instant receivedAt, Envelope envelope) {}

    /** Writes the meta; size and chunks are 0 until {@link #putSize}. */
    static void put(RecordBuffer out, Envelope envelope, Instant receivedAt, MailDomain[] lanes) {
        out.putLong(0);
        out.putInt(0);
        out.putInstant(receivedAt);
        out.putByte((envelope.smtpUtf8() ? SMTPUTF8 : 0)
                | (envelope.declaredBytes().isPresent() ? SIZED : 0)
                | (envelope.reversePath().isNull() ? 0 : ANSWERABLE)
                | (envelope.requireTls() ? REQUIRETLS : 0));
        out.putByte(code(envelope.bodyType()));
        out.putByte(envelope.dsn().ret().map(ret -> ret == Ret.FULL ? 1 : 2).orElse(0));
        out.putShort(lanes.length);
        for (MailDomain lane : lanes) {
            out.putText(lane.toString());
        }
        out.putLong(envelope.declaredBytes().orElse(0));
        out.putText(envelope.dsn().envid().orElse(""));
        out.putText(envelope.reversePath().mailbox().map(Mailbox::localPart).orElse(""));
        out.putText(envelope.reversePath()
                .mailbox()
                .map(mailbox -> mailbox.domain().toString())
                .orElse(""));
        out.putInt(envelope.recipients().size());
        Map<MailDomain, Integer> ordinals = new HashMap<>();
        for (int i = 0; lanes.length > 1 && i < lanes.length; i++) {
            ordinals.put(lanes[i], i);
        }
        for (Recipient recipient : envelope.recipients()) {
            out.putShort(lanes.length == 1 ? 0 : ordinals.getOrDefault(recipient.domain(), 0));
            out.putText(recipient.path().mailbox().localPart());
            out.putByte(notifyBits(recipient.notifications()));
            out.putText(recipient.orcpt().orElse(""));
        }
        out.endMeta();
    }

    /** Sets size and chunks in a meta that begins at the record's meta. */
    static void putSize(byte[] record, long sizeBytes, int chunks) {
        RecordFormat.putLong(record, RecordFormat.HEADER_BYTES, sizeBytes);
        RecordFormat.putInt(record, RecordFormat.HEADER_BYTES + 8, chunks);
    }

    private static int code(BodyType type) {
        for (int i = 0; i < BODY_TYPES.length; i++) {
            if (BODY_TYPES[i] == type) {
                return i;
            }
        }
        throw new AssertionError(type);
    }

    private static int notifyBits(Set<Notify> notifications) {
        int bits = 0;
        for (int i = 0; i < NOTIFIES.length; i++) {
            bits |= notifications.contains(NOTIFIES[i]) ? 1 << i : 0;
        }
        return bits;
    }

    static Summary summary(MetaReader in, Function<String, MailDomain> domains) {
        long sizeBytes = in.getLong();
        int chunks = in.getInt();
        Instant receivedAt = in.getInstant();
        in.getByte();
        in.getByte();
        in.getByte();
        return new Summary(sizeBytes, chunks, receivedAt, lanes(in, domains));
    }

    private static MailDomain[] lanes(MetaReader in, Function<String, MailDomain> domains) {
        MailDomain[] lanes = new MailDomain[in.getShort()];
        if (lanes.length == 0) {
            throw new IllegalArgumentException("meta: no lane");
        }
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = domains.apply(in.getText());
        }
        return lanes;
    }

    static Whole whole(MetaReader in, Function<String, MailDomain> domains) {
        long sizeBytes = in.getLong();
        int chunks = in.getInt();
        Instant receivedAt = in.getInstant();
        int flags = in.getByte();
        int body = in.getByte();
        int ret = in.getByte();
        if (body >= BODY_TYPES.length || ret > 2) {
            throw new IllegalArgumentException("meta: BODY " + body + ", RET " + ret);
        }
        MailDomain[] lanes = lanes(in, domains);
        long declaredBytes = in.getLong();
        String envid = in.getText();
        String localPart = in.getText();
        String domain = in.getText();
        Envelope.Builder envelope = Envelope.from(
                        (flags & ANSWERABLE) == 0
                                ? ReversePath.nullPath()
                                : ReversePath.of(new Mailbox(localPart, domains.apply(domain))))
                .bodyType(BODY_TYPES[body])
                .smtpUtf8((flags & SMTPUTF8) != 0)
                .requireTls((flags & REQUIRETLS) != 0)
                .dsn(dsn(ret, envid));
        if ((flags & SIZED) != 0) {
            envelope.declaredBytes(declaredBytes);
        }
        int recipients = in.getCount(7);
        for (int i = 0; i < recipients; i++) {
            envelope.to(recipient(in, lanes));
        }
        if (recipients == 0 || !in.atEnd()) {
            throw new IllegalArgumentException("meta: " + recipients + " recipients and more");
        }
        return new Whole(sizeBytes, chunks, receivedAt, envelope.build());
    }

    private static DsnParameters dsn(int ret, String envid) {
        DsnParameters dsn = DsnParameters.none();
        if (ret != 0) {
            dsn = dsn.withRet(ret == 1 ? Ret.FULL : Ret.HDRS);
        }
        return envid.isEmpty() ? dsn : dsn.withEnvid(envid);
    }

    private static Recipient recipient(MetaReader in, MailDomain[] lanes) {
        int lane = in.getShort();
        if (lane >= lanes.length) {
            throw new IllegalArgumentException("meta: lane " + lane + " of " + lanes.length);
        }
        Recipient recipient = Recipient.of(new ForwardPath(new Mailbox(in.getText(), lanes[lane])));
        int bits = in.getByte();
        String orcpt = in.getText();
        if (bits != 0) {
            Set<Notify> notify = EnumSet.noneOf(Notify.class);
            for (int i = 0; i < NOTIFIES.length; i++) {
                if ((bits & 1 << i) != 0) {
                    notify.add(NOTIFIES[i]);
                }
            }
            recipient = recipient.withNotify(notify);
        }
        return orcpt.isEmpty() ? recipient : recipient.withOrcpt(orcpt);
    }

    /** Returns the lanes of an envelope, in order of first appearance. */
    static MailDomain[] lanes(Envelope envelope) {
        Set<MailDomain> domains = envelope.domains();
        MailDomain[] lanes = new MailDomain[domains.size()];
        Iterator<MailDomain> each = domains.iterator();
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = each.next();
        }
        return lanes;
    }
}
