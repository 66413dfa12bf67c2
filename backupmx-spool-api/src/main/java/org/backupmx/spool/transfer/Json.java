package org.backupmx.spool.transfer;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON (RFC 8259) as trees of maps, lists, strings, {@link Long}s, booleans and null. Written with one member or element
 * a line. Numbers that are no 64-bit integers, members that stand twice and nesting deeper than {@value #MAX_DEPTH} are
 * refused.
 */
final class Json {

    private static final int MAX_DEPTH = 16;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static String write(Map<String, ?> object) {
        StringBuilder out = new StringBuilder();
        write(object, out, "\n");
        return out.append('\n').toString();
    }

    private static void write(@Nullable Object value, StringBuilder out, String newLine) {
        if (value instanceof Map<?, ?> object) {
            String separator = "{";
            for (Map.Entry<?, ?> member : object.entrySet()) {
                out.append(separator).append(newLine).append("  ");
                quote(String.valueOf(member.getKey()), out);
                out.append(": ");
                write(member.getValue(), out, newLine + "  ");
                separator = ",";
            }
            out.append(object.isEmpty() ? "{}" : newLine + "}");
        } else if (value instanceof List<?> elements) {
            String separator = "[";
            for (Object element : elements) {
                out.append(separator).append(newLine).append("  ");
                write(element, out, newLine + "  ");
                separator = ",";
            }
            out.append(elements.isEmpty() ? "[]" : newLine + "]");
        } else if (value instanceof String string) {
            quote(string, out);
        } else {
            out.append(value);
        }
    }

    private static void quote(String value, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c == 0x7f || (Character.isSurrogate(c) && !isPaired(value, i))) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private static boolean isPaired(String value, int i) {
        return Character.isHighSurrogate(value.charAt(i))
                ? i + 1 < value.length() && Character.isLowSurrogate(value.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(value.charAt(i - 1));
    }

    /**
     * Reads one JSON text.
     *
     * @throws IllegalArgumentException if it is not one; the message says where and what was expected
     */
    static @Nullable Object read(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.skipSpace();
        if (json.at < text.length()) {
            throw json.unexpected("the end");
        }
        return value;
    }

    private IllegalArgumentException unexpected(String expected) {
        long line = 1
                + text.substring(0, Math.min(at, text.length()))
                        .chars()
                        .filter(c -> c == '\n')
                        .count();
        String found = at < text.length() ? String.format("U+%04X", text.codePointAt(at)) : "the end";
        return new IllegalArgumentException("line " + line + ": " + found + " (expected: " + expected + ")");
    }

    private void skipSpace() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean take(char c) {
        skipSpace();
        boolean there = at < text.length() && text.charAt(at) == c;
        at += there ? 1 : 0;
        return there;
    }

    private void need(char c) {
        if (!take(c)) {
            throw unexpected("'" + c + "'");
        }
    }

    private @Nullable Object value(int depth) {
        if (depth > MAX_DEPTH) {
            throw unexpected("nesting of at most " + MAX_DEPTH);
        }
        if (take('{')) {
            return object(depth);
        }
        if (take('[')) {
            return array(depth);
        }
        if (take('"')) {
            return string();
        }
        if (take("true")) {
            return true;
        }
        if (take("false")) {
            return false;
        }
        return take("null") ? null : number();
    }

    private boolean take(String word) {
        boolean there = text.startsWith(word, at);
        at += there ? word.length() : 0;
        return there;
    }

    private Map<String, @Nullable Object> object(int depth) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        if (take('}')) {
            return members;
        }
        do {
            need('"');
            String name = string();
            need(':');
            if (members.containsKey(name)) {
                throw unexpected("member " + name + " once");
            }
            members.put(name, value(depth + 1));
        } while (take(','));
        need('}');
        return members;
    }

    private List<@Nullable Object> array(int depth) {
        List<@Nullable Object> elements = new ArrayList<>();
        if (take(']')) {
            return elements;
        }
        do {
            elements.add(value(depth + 1));
        } while (take(','));
        need(']');
        return elements;
    }

    /** Reads a string, from behind its first quotation mark on. */
    private String string() {
        StringBuilder value = new StringBuilder();
        while (at < text.length() && text.charAt(at) >= ' ') {
            char c = text.charAt(at++);
            if (c == '"') {
                return value.toString();
            }
            value.append(c == '\\' ? escaped() : c);
        }
        throw unexpected("'\"'");
    }

    private char escaped() {
        int kind = at < text.length() ? "\"\\/bfnrtu".indexOf(text.charAt(at)) : -1;
        if (kind < 0) {
            throw unexpected("an escape of JSON");
        }
        at++;
        if (kind < 8) {
            return "\"\\/\b\f\n\r\t".charAt(kind);
        }
        int code = 0;
        for (int i = 0; i < 4; i++) {
            int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
            if (digit < 0 || text.charAt(at) > 'f') {
                throw unexpected("4 hexadecimal digits");
            }
            code = code << 4 | digit;
            at++;
        }
        return (char) code;
    }

    private Long number() {
        int from = at;
        while (at < text.length() && "+-.0123456789Ee".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String digits = text.substring(from, at);
        if (!digits.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d{1,3})?") || digits.length() > 40) {
            at = from;
            throw unexpected("a value");
        }
        try {
            return new BigDecimal(digits).longValueExact();
        } catch (ArithmeticException e) {
            at = from;
            throw unexpected("an integer of 64 bits");
        }
    }
}
