package org.backupmx.spool.file;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpooledMessage;
import org.backupmx.spool.file.Deliveries.Place;
import org.backupmx.spool.file.MessageTable.Chunks;
import org.jspecify.annotations.Nullable;

/**
 * Reads messages and states from the segments. What it reads is checked against key, identity, CRC and tag, so that a file
 * that was moved or used again under it gives nothing, and never something else. Thread-safe.
 */
final class MessageLoader {

    private static final int ATTEMPTS = 16;

    private final SegmentFiles segments;
    private final SpoolIndex index;

    MessageLoader(SegmentFiles segments, SpoolIndex index) {
        this.segments = segments;
        this.index = index;
    }

    /** A record's header and the bytes from its meta on; as many as were asked for. */
    static final class Read {
        private final RecordHeader header;
        private final byte[] bytes;

        Read(RecordHeader header, byte[] bytes) {
            this.header = header;
            this.bytes = bytes;
        }

        RecordHeader header() {
            return header;
        }

        byte[] bytes() {
            return bytes;
        }

        MetaReader meta() {
            return new MetaReader(bytes, RecordFormat.HEADER_BYTES, header.metaLength());
        }
    }

    @FunctionalInterface
    private interface Locator {
        /** Returns where the record is now, null if it is nowhere. */
        @Nullable
        Extent locate();
    }

    /** The message is gone, or was never there. */
    static final class GoneException extends IOException {
        private static final long serialVersionUID = 1L;

        GoneException(long id) {
            super("message " + Ids.text(id) + ": not queued");
        }
    }

    /**
     * Reads a record.
     *
     * @param known where it was a moment ago, null if it is to be looked up
     */
    private Read read(long id, @Nullable Extent known, Locator locator, boolean withData) throws IOException {
        IOException failure = null;
        long last = 0;
        Extent extent = known;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            if (extent == null) {
                extent = located(id, locator);
            }
            if (extent.location() == last && failure != null) {
                throw failure; // it did not move: what was read is what there is
            }
            last = extent.location();
            Segment segment = segments.get(Location.segment(last));
            try {
                if (segment != null) {
                    return readAt(segment, id, extent, withData);
                }
                failure = new SpoolDamagedException(
                        "message " + Ids.text(id) + ": " + Location.text(last) + ": no such segment");
            } catch (IOException e) {
                failure = e;
            }
            extent = null;
        }
        throw failure == null ? new GoneException(id) : failure;
    }

    private Extent located(long id, Locator locator) throws GoneException {
        synchronized (index) {
            Extent extent = locator.locate();
            if (extent == null) {
                throw new GoneException(id);
            }
            return extent;
        }
    }

    static Read readAt(Segment segment, long id, Extent extent, boolean withData) throws IOException {
        byte[] bytes = new byte[extent.bytes()];
        long location = extent.location();
        int offset = Location.offset(location);
        ByteBuffer into = ByteBuffer.wrap(bytes);
        readFirst(segment, into, offset);
        RecordHeader header = into.position() < RecordFormat.HEADER_BYTES ? null : RecordFormat.header(bytes, 0);
        if (header == null || header.key() != segment.key() || header.id() != id) {
            throw damaged(id, location, "no record of it");
        }
        long wanted = RecordFormat.HEADER_BYTES + (long) header.metaBytes() + (withData ? header.dataBytes() : 0);
        if (wanted > into.position()) {
            byte[] all = new byte[(int) wanted];
            System.arraycopy(bytes, 0, all, 0, into.position());
            ByteBuffer rest = ByteBuffer.wrap(all);
            rest.position(into.position());
            SegmentFiles.readFully(segment.reading(), rest, offset + (long) into.position());
            if (rest.hasRemaining()) {
                throw damaged(id, location, "record is cut");
            }
            bytes = all;
        }
        if (RecordFormat.crc(bytes, RecordFormat.HEADER_BYTES, header.metaBytes()) != header.metaCrc()) {
            throw damaged(id, location, "meta does not fit its CRC");
        }
        int dataAt = RecordFormat.HEADER_BYTES + header.metaBytes();
        if (withData && RecordFormat.crc(bytes, dataAt, header.dataBytes()) != header.dataCrc()) {
            throw damaged(id, location, "data does not fit its CRC");
        }
        DataKey dataKey = segment.dataKey();
        if (dataKey == null && !header.encrypted()) {
            return new Read(header, bytes);
        }
        if (dataKey == null || !header.encrypted()) {
            throw damaged(id, location, header.encrypted() ? "its key is lost" : "not encrypted");
        }
        return new Read(header, decrypted(dataKey, header, location, bytes, withData));
    }

    /** Reads at least the header: what cannot be read behind it may be another's. */
    private static void readFirst(Segment segment, ByteBuffer into, int offset) throws IOException {
        try {
            SegmentFiles.readFully(segment.reading(), into, offset);
        } catch (IOException e) {
            if (into.position() < RecordFormat.HEADER_BYTES) {
                SegmentFiles.readFully(segment.reading(), into.clear().limit(RecordFormat.HEADER_BYTES), offset);
            }
        }
    }

    private static byte[] decrypted(DataKey dataKey, RecordHeader header, long location, byte[] bytes, boolean withData)
            throws SpoolDamagedException {
        RecordCipher cipher = new RecordCipher();
        int offset = Location.offset(location);
        int dataAt = RecordFormat.HEADER_BYTES + header.metaLength();
        byte[] plain = new byte[dataAt + (withData ? header.dataLength() : 0)];
        try {
            cipher.decryptMeta(
                    dataKey, header, offset, bytes, RecordFormat.HEADER_BYTES, plain, RecordFormat.HEADER_BYTES);
            if (withData) {
                int from = RecordFormat.HEADER_BYTES + header.metaBytes();
                cipher.decryptData(dataKey, header, offset, bytes, from, plain, dataAt);
            }
            return plain;
        } catch (SpoolDamagedException e) {
            throw damaged(header.id(), location, String.valueOf(e.getMessage()));
        }
    }

    private static SpoolDamagedException damaged(long id, long location, String what) {
        return new SpoolDamagedException("message " + Ids.text(id) + ": " + Location.text(location) + ": " + what);
    }

    /** Reads a message's own record. */
    Read message(long id, boolean withData) throws IOException {
        return message(id, null, withData);
    }

    private Read message(long id, @Nullable Extent known, boolean withData) throws IOException {
        return read(
                id,
                known,
                () -> {
                    int row = index.messages.find(id);
                    return row < 0 ? null : withData ? index.messages.record(row) : index.messages.head(row);
                },
                withData);
    }

    /** Reads a chunk of a message. */
    Read chunk(long id, int number) throws IOException {
        return read(
                id,
                null,
                () -> {
                    int row = index.messages.find(id);
                    Chunks chunks = row < 0 ? null : index.messages.chunks(row);
                    return chunks == null ? null : Extent.of(chunks.locations()[number], chunks.lengths()[number]);
                },
                true);
    }

    /** Opens a message's mail data. */
    InputStream mailData(long id) throws IOException {
        Read read = message(id, true);
        if (read.header().type() == RecordType.LONG) {
            return new MailDataStream(
                    this, id, MessageMeta.summary(read.meta(), MailDomain::of).chunks());
        }
        int from = RecordFormat.HEADER_BYTES + read.header().metaLength();
        return new ByteArrayInputStream(read.bytes(), from, read.header().dataLength());
    }

    /** Returns the message of a lane's place. */
    SpooledMessage spooled(Place place) throws IOException {
        Read read = message(place.id(), place.head(), false);
        MailDomain lane = place.domain(); // saves checking its name anew
        try {
            MessageMeta.Whole whole =
                    MessageMeta.whole(read.meta(), name -> name.equals(lane.toString()) ? lane : MailDomain.of(name));
            return new SpooledMessage(Ids.text(place.id()), whole.envelope(), whole.receivedAt(), whole.sizeBytes());
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new SpoolDamagedException("message " + Ids.text(place.id()) + ": " + e.getMessage(), e);
        }
    }

    /** Returns where delivery stands in a lane. */
    MessageLane lane(SpooledMessage message, Place place) throws IOException {
        LaneState state = state(place);
        List<Recipient> recipients = message.envelope().recipients();
        List<QueuedRecipient> remaining = new ArrayList<>();
        if (state == null) {
            for (int i = 0; i < recipients.size(); i++) {
                if (recipients.get(i).domain().equals(place.domain())) {
                    remaining.add(new QueuedRecipient(i, recipients.get(i), RecipientState.Pending.INSTANCE));
                }
            }
            return new MessageLane(place.domain(), remaining, 0, place.due());
        }
        for (LaneState.Remaining one : state.remaining()) {
            if (one.index() >= recipients.size()) {
                throw new SpoolDamagedException("message " + message.id() + ": no recipient " + one.index());
            }
            remaining.add(new QueuedRecipient(one.index(), recipients.get(one.index()), one.state()));
        }
        return new MessageLane(place.domain(), remaining, state.attempts(), place.due());
    }

    /** Returns the state of a lane as it was at a place, null before its first attempt. */
    @Nullable
    LaneState state(Place place) throws IOException {
        if (place.unwritten() != null || place.state() == null) {
            return place.unwritten();
        }
        Read read = read(
                place.id(),
                place.state(),
                () -> {
                    int row = index.messages.find(place.id());
                    int entry = row < 0 ? -1 : index.entry(row, place.ordinal());
                    return entry < 0 ? null : index.entries.record(entry);
                },
                false);
        try {
            return LaneState.whole(read.meta());
        } catch (IllegalArgumentException e) {
            throw new SpoolDamagedException("message " + Ids.text(place.id()) + ": " + e.getMessage(), e);
        }
    }

    /** Returns a queued message with all its lanes; {@link GoneException} if it is not queued. */
    QueuedMessage queued(long id) throws IOException {
        List<Place> places = new ArrayList<>();
        boolean held;
        synchronized (index) {
            int row = index.messages.find(id);
            SpoolIndex.DamagedMessage damage = index.damagedMessages.get(id);
            if (damage != null) {
                throw new SpoolDamagedException("message " + Ids.text(id) + ": " + damage.reason());
            }
            if (row < 0) {
                throw new GoneException(id);
            }
            held = index.messages.is(row, MessageTable.HELD);
            for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
                if (!index.entries.isDone(entry)) {
                    places.add(Deliveries.place(index, entry));
                }
            }
        }
        if (places.isEmpty()) {
            throw new GoneException(id);
        }
        SpooledMessage message = spooled(places.get(0));
        List<MessageLane> lanes = new ArrayList<>(places.size());
        for (Place place : places) {
            MessageLane lane = lane(message, place);
            if (!lane.recipients().isEmpty()) {
                lanes.add(lane);
            }
        }
        if (lanes.isEmpty()) {
            throw new GoneException(id); // settled between the two looks
        }
        return new QueuedMessage(message, lanes, held);
    }
}
