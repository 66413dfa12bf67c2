package org.backupmx.smtp.internal.codec;

/** What a peer sent, made safe for one line of a log: octets beyond printable ASCII become {@code \xNN}. */
public final class PeerText {

    private static final int MAX_OCTETS = 256;

    private PeerText() {}

    /** Returns the octets from {@code from} to {@code to} as text, cut after 256 of them. */
    public static String of(byte[] octets, int from, int to) {
        int end = Math.min(to, from + MAX_OCTETS);
        StringBuilder out = new StringBuilder(end - from + 8);
        for (int i = from; i < end; i++) {
            byte octet = octets[i];
            if (octet == '\\') {
                out.append("\\\\");
            } else if (octet >= ' ' && octet < 0x7f) {
                out.append((char) octet);
            } else {
                out.append(String.format("\\x%02x", octet));
            }
        }
        return end < to ? out.append("...").toString() : out.toString();
    }
}
