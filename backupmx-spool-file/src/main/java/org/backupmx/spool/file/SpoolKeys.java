package org.backupmx.spool.file;

import java.io.IOException;
import java.util.Optional;
import javax.crypto.SecretKey;

/**
 * The keys under which a {@link FileSpool} encrypts: each segment has a random data key of its own, and that is stored
 * wrapped with one of these keys, beside the key's id. Mail is never encrypted with these keys themselves.
 *
 * <p>Keys are for AES with 256 bits. The spool only uses them, with AES-GCM: it neither keeps their octets nor destroys
 * the keys; whoever implements this owns them and zeroes them when the spool is closed. A key may be one of a hardware
 * module, which gives no octets out.
 *
 * <p><b>A lost key is lost mail.</b> Implementations are thread-safe and may block: they are asked when the spool is
 * opened and when a segment is begun. If {@link #currentId} or {@link #find} fails then, new mail is refused (451) and
 * the spool asks again every second.
 */
public interface SpoolKeys {

    /** The most characters of an id: {@value}. */
    int MAX_ID_CHARS = 64;

    /**
     * Returns the id of the key for new segments. Another id than before is a rotation: it counts from the next segment
     * on, the next opening at the latest.
     *
     * @return an id of 1 to {@value #MAX_ID_CHARS} ASCII letters, digits, dots, hyphens and underscores, which
     *     {@link #find} knows. It stands in files as it is
     * @throws IOException if it cannot be told now
     */
    String currentId() throws IOException;

    /**
     * Returns a key. An old one is needed as long as {@link SpoolDescription#encryptedSegments()} names it.
     *
     * @param id its id
     * @return the key, empty if it is not known
     * @throws IOException if that cannot be told now
     */
    Optional<SecretKey> find(String id) throws IOException;
}
