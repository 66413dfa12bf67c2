package org.backupmx.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.backupmx.relay.DeliveryHours;
import org.backupmx.relay.DeliveryRate;
import org.jspecify.annotations.Nullable;

/** How much a primary is given in a minute, and in which hours: {@code rate} of the reference server's configuration. */
final class ServerRate {

    private static final Set<String> KEYS = Set.of("messages", "bytes", "hours");
    private static final String UNLIMITED = "unlimited";
    private static final String PER_MINUTE = "/min";
    private static final String HOURS =
            "windows such as 22:00-06:00 Europe/Berlin or Mon-Fri 18:30-24:00 UTC, or always";

    private ServerRate() {}

    /** Reads {@code rate}; what is not there is as in another rate. */
    static DeliveryRate of(@Nullable ConfigNode node, DeliveryRate others) throws ConfigException {
        if (node == null) {
            return others;
        }
        Map<String, ConfigNode> map = node.map(KEYS);
        OptionalInt messages = map.containsKey("messages") ? messages(map.get("messages")) : others.messagesPerMinute();
        OptionalLong bytes = map.containsKey("bytes") ? bytes(map.get("bytes")) : others.bytesPerMinute();
        DeliveryRate rate =
                DeliveryRate.unlimited().withHours(map.containsKey("hours") ? hours(map.get("hours")) : others.hours());
        if (messages.isPresent()) {
            rate = rate.withMessagesPerMinute(messages.getAsInt());
        }
        return bytes.isPresent() ? rate.withBytesPerMinute(bytes.getAsLong()) : rate;
    }

    private static OptionalInt messages(ConfigNode node) throws ConfigException {
        return node.value("1/min to " + DeliveryRate.MAX_MESSAGES_PER_MINUTE + "/min, or unlimited", text -> {
            if (text.equals(UNLIMITED)) {
                return OptionalInt.empty();
            }
            int count = Integer.parseInt(amount(text));
            DeliveryRate.unlimited().withMessagesPerMinute(count); // knows the range
            return OptionalInt.of(count);
        });
    }

    private static OptionalLong bytes(ConfigNode node) throws ConfigException {
        return node.value("a size a minute such as 50MB/min, from 64kB/min, or unlimited", text -> {
            if (text.equals(UNLIMITED)) {
                return OptionalLong.empty();
            }
            long bytes = Units.bytes(amount(text));
            DeliveryRate.unlimited().withBytesPerMinute(bytes);
            return OptionalLong.of(bytes);
        });
    }

    private static String amount(String text) {
        if (!text.endsWith(PER_MINUTE)) {
            throw new IllegalArgumentException(text);
        }
        return text.substring(0, text.length() - PER_MINUTE.length()).strip();
    }

    private static DeliveryHours hours(ConfigNode node) throws ConfigException {
        if (!node.isList()) {
            return node.value(
                    HOURS, text -> text.equals("always") ? DeliveryHours.always() : DeliveryHours.parse(text));
        }
        List<String> windows = new ArrayList<>();
        for (ConfigNode item : node.list()) {
            windows.add(item.value(HOURS, text -> {
                DeliveryHours.parse(text);
                return text;
            }));
        }
        if (windows.isEmpty() || windows.size() > DeliveryHours.MOST_WINDOWS) {
            throw node.fault(windows.size() + " windows", "1 to " + DeliveryHours.MOST_WINDOWS);
        }
        return DeliveryHours.parse(windows);
    }
}
