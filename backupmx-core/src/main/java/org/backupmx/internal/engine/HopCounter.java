package org.backupmx.internal.engine;

import java.nio.ByteBuffer;

/**
 * Counts the Received fields of a message while it streams by: in its header section only, each octet looked at once
 * and the body not at all (RFC 5321 section 6.3).
 */
final class HopCounter {

    /** With so many Received fields mail is looping: RFC 5321 section 6.3 asks for at least 100. */
    static final int MAX_HOPS = 100;

    private static final byte[] NAME = {'r', 'e', 'c', 'e', 'i', 'v', 'e', 'd', ':'};

    /** At this position of a line it is known not to be a Received field. */
    private static final int OTHER = -1;

    private int matched; // of NAME in this line, or OTHER
    private boolean lineIsEmpty = true;
    private boolean inBody;
    private int hops;

    /** Takes the next octets, without moving the buffer's position. */
    void scan(ByteBuffer mailData) {
        if (inBody) {
            return;
        }
        int end = mailData.limit();
        for (int i = mailData.position(); i < end; i++) {
            byte octet = mailData.get(i);
            if (octet == '\n') {
                if (lineIsEmpty) {
                    inBody = true;
                    return;
                }
                lineIsEmpty = true;
                matched = 0;
            } else if (octet != '\r') {
                lineIsEmpty = false;
                if (matched >= 0) {
                    match(octet);
                }
            }
        }
    }

    private void match(byte octet) {
        // |0x20 folds ASCII letters to lower case and leaves the colon alone
        if ((octet | 0x20) != NAME[matched]) {
            matched = OTHER;
        } else if (++matched == NAME.length) {
            hops++;
            matched = OTHER;
        }
    }

    boolean isLooping() {
        return hops >= MAX_HOPS;
    }
}
