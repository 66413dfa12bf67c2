package org.backupmx.internal.dsn;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.backupmx.intake.SenderVerification;
import org.backupmx.relay.MailData;
import org.backupmx.spool.SpoolId;

/**
 * Keeps with a message that its sender was verified: as a comment in the <em>Received</em> field that we put on top of it,
 * which is as durable as the message and needs nothing of a spool.
 *
 * <pre>
 *   Received: from mail.example.net (unknown [192.0.2.10])
 *   	(sender verified by trusted-network)
 *   	by mx2.example.net with ESMTP id 3f-2a
 * </pre>
 *
 * <p>It counts only in the very first field, on a line of its own before "by", and with the message's own identity behind
 * it, which no client knows before it has sent its mail data; nothing that a client says can begin a line of that field.
 */
public final class SenderMark {

    /** How far into the mail data the field is looked for: no field of ours is longer. */
    private static final int MAX_FIELD_BYTES = 4_096;

    private static final Pattern FIELD = Pattern.compile("Received: from [^\r\n]*\r\n"
            + "(?:\t\\(using [^\r\n]*\\)\r\n)?"
            + "\t\\(sender verified by ([a-z0-9-]{1,32})\\)\r\n"
            + "\tby [^ \r\n]+ with [A-Z0-9]+ id ([A-Za-z0-9-]+)(?:;?\r\n)");

    private SenderMark() {}

    /**
     * Returns the line of the field that says how a sender was verified.
     *
     * @param verification the verdict
     * @return the line with its line end, empty if the sender is not verified
     */
    public static String line(SenderVerification verification) {
        return verification instanceof SenderVerification.Verified verified
                ? "\t(sender verified by " + verified.by() + ")\r\n"
                : "";
    }

    /**
     * Returns what was kept with a message.
     *
     * @param data its mail data
     * @param id its identity
     * @return the verdict; not verified if nothing was kept
     * @throws IOException if the mail data cannot be read
     */
    public static SenderVerification read(MailData data, SpoolId id) throws IOException {
        byte[] start;
        try (InputStream in = data.open()) {
            start = in.readNBytes(MAX_FIELD_BYTES);
        }
        Matcher field = FIELD.matcher(new String(start, StandardCharsets.ISO_8859_1));
        return field.lookingAt() && field.group(2).equals(id.value())
                ? SenderVerification.verified(field.group(1))
                : SenderVerification.unverified();
    }
}
