package org.backupmx.spool.file;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.RecipientState;

/**
 * The state of one lane of a message; the meta of a STATE record.
 *
 * <pre>
 * u16 lane    i64 due, seconds    u32 due, nanoseconds    u32 attempts
 * u32 number of recipients that are not final, and for each:
 *   u32 index in the envelope     u8 state: 0 pending, 1 deferred; and if deferred:
 *   i64 at, seconds    u32 at, nanoseconds    u16 reply code
 *   u8 class    u16 subject    u16 detail of the enhanced status code, class 0 if there is none
 *   u8 number of lines, and for each: text
 * </pre>
 *
 * <p>Recipients of the lane that are not named are final. Lines of replies are cut after {@value #MAX_LINE_CHARS}
 * characters.
 */
record LaneState(int lane, Instant due, int attempts, List<Remaining> remaining) {

    static final int MAX_LINE_CHARS = 4096;

    private static final int DUE_AT = RecordFormat.HEADER_BYTES + 2;

    /** A recipient that is not final. */
    record Remaining(int index, RecipientState state) {}

    RecordBuffer record(long id) {
        RecordBuffer out = new RecordBuffer(22 + remaining.size() * 64);
        out.putShort(lane);
        out.putInstant(due);
        out.putInt(attempts);
        out.putInt(remaining.size());
        for (Remaining one : remaining) {
            out.putInt(one.index());
            if (one.state() instanceof RecipientState.Deferred deferred) {
                out.putByte(1);
                out.putInstant(deferred.at());
                putReply(out, deferred.reply());
            } else {
                out.putByte(0);
            }
        }
        out.endMeta();
        out.finish(RecordType.STATE, id);
        return out;
    }

    private static void putReply(RecordBuffer out, SmtpReply reply) {
        out.putShort(reply.code());
        Optional<EnhancedStatusCode> enhanced = reply.enhanced();
        out.putByte(enhanced.map(EnhancedStatusCode::statusClass).orElse(0));
        out.putShort(enhanced.map(EnhancedStatusCode::subject).orElse(0));
        out.putShort(enhanced.map(EnhancedStatusCode::detail).orElse(0));
        out.putByte(reply.lines().size());
        for (String line : reply.lines()) {
            out.putText(cut(line));
        }
    }

    private static String cut(String line) {
        if (line.length() <= MAX_LINE_CHARS) {
            return line;
        }
        int end = Character.isHighSurrogate(line.charAt(MAX_LINE_CHARS - 1)) ? MAX_LINE_CHARS - 1 : MAX_LINE_CHARS;
        return line.substring(0, end);
    }

    /** What the index keeps of a STATE. */
    record Head(int lane, Instant due, boolean done) {}

    static Head head(MetaReader in) {
        int lane = in.getShort();
        Instant due = in.getInstant();
        in.getInt();
        return new Head(lane, due, in.getInt() == 0);
    }

    static LaneState whole(MetaReader in) {
        int lane = in.getShort();
        Instant due = in.getInstant();
        int attempts = in.getInt();
        int count = in.getCount(5);
        List<Remaining> remaining = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int index = in.getInt();
            int state = in.getByte();
            if (index < 0 || state > 1) {
                throw new IllegalArgumentException("meta: recipient " + index + " in state " + state);
            }
            remaining.add(new Remaining(index, state == 0 ? RecipientState.Pending.INSTANCE : deferred(in)));
        }
        if (attempts < 0 || !in.atEnd()) {
            throw new IllegalArgumentException("meta: " + attempts + " attempts");
        }
        return new LaneState(lane, due, attempts, remaining);
    }

    private static RecipientState deferred(MetaReader in) {
        Instant at = in.getInstant();
        int code = in.getShort();
        int statusClass = in.getByte();
        int subject = in.getShort();
        int detail = in.getShort();
        int count = in.getByte();
        List<String> lines = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            lines.add(in.getText());
        }
        Optional<EnhancedStatusCode> enhanced =
                statusClass == 0 ? Optional.empty() : Optional.of(new EnhancedStatusCode(statusClass, subject, detail));
        return new RecipientState.Deferred(SmtpReply.of(code, enhanced, lines), at);
    }

    /** Gives a STATE record another due instant; the header is to be finished again. */
    static void putDue(byte[] record, Instant due) {
        RecordFormat.putLong(record, DUE_AT, due.getEpochSecond());
        RecordFormat.putInt(record, DUE_AT + 8, due.getNano());
    }
}
