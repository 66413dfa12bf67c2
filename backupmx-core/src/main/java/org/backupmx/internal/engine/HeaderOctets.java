package org.backupmx.internal.engine;

import java.nio.ByteBuffer;

/**
 * Looks whether the header section of a message has octets beyond ASCII (RFC 6532) while it streams by. A header section
 * that is longer than {@value #MOST_BYTES} bytes is taken to have some, as the relay client takes one of 256 KiB, our own
 * field included.
 */
final class HeaderOctets {

    static final int MOST_BYTES = 260_096;

    private boolean lineIsEmpty = true;
    private boolean inBody;
    private int bytes;

    /** Takes the next octets, without moving the buffer's position; tells whether there are such among them. */
    boolean areBeyondAscii(ByteBuffer mailData) {
        int end = mailData.limit();
        for (int i = mailData.position(); i < end && !inBody; i++) {
            byte octet = mailData.get(i);
            if (octet < 0 || ++bytes > MOST_BYTES) {
                return true;
            }
            if (octet == '\n') {
                inBody = lineIsEmpty;
                lineIsEmpty = true;
            } else if (octet != '\r') {
                lineIsEmpty = false;
            }
        }
        return false;
    }
}
