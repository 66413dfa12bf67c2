package org.backupmx.mail;

/** Text that a peer may have written, made safe for one line of a message or a log. */
final class Printable {

    private static final int MAX_CHARS = 120;

    private Printable() {}

    static String of(String text) {
        StringBuilder out = new StringBuilder(Math.min(text.length(), MAX_CHARS) + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            if (out.length() > MAX_CHARS) {
                return out.append("…\"").toString();
            }
            char c = text.charAt(i);
            if (c < 0x20 || c == 0x7f || Character.isISOControl(c)) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
