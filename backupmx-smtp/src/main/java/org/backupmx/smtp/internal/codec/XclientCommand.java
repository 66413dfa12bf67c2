package org.backupmx.smtp.internal.codec;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.backupmx.mail.Xtext;
import org.jspecify.annotations.Nullable;

/**
 * The argument of XCLIENT (Postfix's XCLIENT_README): {@code NAME=value} pairs in xtext, with {@code [UNAVAILABLE]} and
 * {@code [TEMPUNAVAIL]} for what is not known. What an instance holds is well-formed.
 */
public final class XclientCommand {

    /** What the answer to EHLO announces. */
    public static final String EHLO_LINE = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

    /** What can be told of a client. */
    public enum Attribute {
        NAME,
        ADDR,
        PORT,
        PROTO,
        HELO,
        LOGIN,
        DESTADDR,
        DESTPORT
    }

    private static final int MAX_VALUE_CHARS = 255;

    private final Map<Attribute, Optional<String>> values;

    private XclientCommand(Map<Attribute, Optional<String>> values) {
        this.values = values;
    }

    /** Reads the argument, {@code line} from {@code start} to {@code end}; null if it is not well-formed. */
    public static @Nullable XclientCommand parse(byte[] line, int start, int end) {
        String argument = new String(line, start, end - start, StandardCharsets.ISO_8859_1);
        Map<Attribute, Optional<String>> values = new EnumMap<>(Attribute.class);
        for (String pair : argument.split("[ \t]+", -1)) {
            int equals = pair.indexOf('=');
            Attribute attribute = equals < 0 ? null : attribute(pair.substring(0, equals));
            String xtext = pair.substring(equals + 1);
            if (attribute == null || !Xtext.isXtext(xtext) || values.containsKey(attribute)) {
                return null;
            }
            String value = Xtext.decode(xtext);
            if (value.equalsIgnoreCase("[UNAVAILABLE]") || value.equalsIgnoreCase("[TEMPUNAVAIL]")) {
                values.put(attribute, Optional.empty());
            } else if (isWellFormed(attribute, value)) {
                values.put(attribute, Optional.of(value));
            } else {
                return null;
            }
        }
        return new XclientCommand(values);
    }

    private static @Nullable Attribute attribute(String name) {
        for (Attribute attribute : Attribute.values()) {
            if (attribute.name().equals(name.toUpperCase(Locale.ROOT))) {
                return attribute;
            }
        }
        return null;
    }

    private static boolean isWellFormed(Attribute attribute, String value) {
        return switch (attribute) {
            case ADDR, DESTADDR -> address(value) != null;
            case PORT, DESTPORT -> value.matches("[0-9]{1,5}") && Integer.parseInt(value) <= 65535;
            case PROTO -> value.equalsIgnoreCase("SMTP") || value.equalsIgnoreCase("ESMTP");
            case NAME -> value.matches("[0-9A-Za-z._-]{1," + MAX_VALUE_CHARS + "}");
            case HELO, LOGIN ->
                !value.isEmpty()
                        && value.length() <= MAX_VALUE_CHARS
                        && value.chars().allMatch(c -> c > ' ' && c < 0x7f);
        };
    }

    /** Returns what each attribute of the command tells, empty for what is not known. */
    public Map<Attribute, Optional<String>> values() {
        return values;
    }

    /** Returns the address that ADDR or DESTADDR writes, null if it is none. */
    public static @Nullable InetAddress address(String value) {
        String literal = value.regionMatches(true, 0, "IPv6:", 0, 5) ? value.substring(5) : value;
        boolean wellFormed = literal.equals(value) || literal.indexOf(':') >= 0;
        // never looked up; the JDK would ask DNS for 256.1.1.1
        byte[] octets = wellFormed && literal.indexOf('%') < 0 && literal.indexOf('[') < 0
                ? NetUtil.createByteArrayFromIpAddressString(literal)
                : null;
        try {
            return octets == null ? null : InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new AssertionError(e); // for a wrong number of octets
        }
    }
}
