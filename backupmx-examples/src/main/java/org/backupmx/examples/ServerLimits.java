package org.backupmx.examples;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.EarlyTalkers;
import org.backupmx.smtp.SmtpLimits;
import org.jspecify.annotations.Nullable;

/** What a client may take of the reference server: {@code limits} of its configuration. */
record ServerLimits(
        long messageBytes,
        int recipients,
        int connections,
        int connectionsPerClient,
        Duration greetPause,
        Optional<EarlyTalkers> earlyTalkers,
        BareLineEnds bareLineEnds) {

    private static final Set<String> KEYS = Set.of(
            "message-size",
            "recipients",
            "connections",
            "connections-per-client",
            "greet-pause",
            "early-talkers",
            "bare-line-ends");

    private static final long DEFAULT_MESSAGE_BYTES = 60L << 20;
    private static final long MIN_MESSAGE_BYTES = 64L << 10;
    private static final long MAX_MESSAGE_BYTES = 2L << 30;

    /** Reads {@code limits}, null if the file has none. */
    static ServerLimits of(@Nullable ConfigNode node) throws ConfigException {
        Map<String, ConfigNode> map = node == null ? Map.of() : node.map(KEYS);
        return new ServerLimits(
                map.containsKey("message-size")
                        ? map.get("message-size").value(Units.SIZE + ", from 64kB to 2GB", ServerLimits::messageBytes)
                        : DEFAULT_MESSAGE_BYTES,
                map.containsKey("recipients") ? map.get("recipients").number(100, 50_000) : 1000,
                map.containsKey("connections") ? map.get("connections").number(1, 1_000_000) : 2000,
                map.containsKey("connections-per-client")
                        ? map.get("connections-per-client").number(1, 1_000_000)
                        : 50,
                map.containsKey("greet-pause")
                        ? map.get("greet-pause").value("a duration from 1s to 6s", ServerLimits::greetPause)
                        : Duration.ZERO,
                map.containsKey("early-talkers")
                        ? Optional.of(map.get("early-talkers").value("ignore or reject", ServerLimits::earlyTalkers))
                        : Optional.empty(),
                map.containsKey("bare-line-ends")
                        ? map.get("bare-line-ends").value("normalise or reject", ServerLimits::bareLineEnds)
                        : BareLineEnds.NORMALISE);
    }

    /** Returns those that the receiving engine keeps to. */
    SmtpLimits smtp() {
        SmtpLimits.Builder bounds = SmtpLimits.builder()
                .connections(connections)
                .connectionsPerClient(connectionsPerClient)
                .greetPause(greetPause);
        earlyTalkers.ifPresent(bounds::earlyTalkers);
        return bounds.build();
    }

    private static long messageBytes(String text) {
        long bytes = Units.bytes(text);
        if (bytes < MIN_MESSAGE_BYTES || bytes > MAX_MESSAGE_BYTES) {
            throw new IllegalArgumentException(text);
        }
        return bytes;
    }

    private static Duration greetPause(String text) {
        Duration pause = Units.duration(text);
        if (pause.toSeconds() > 6) {
            throw new IllegalArgumentException(text);
        }
        return pause;
    }

    private static EarlyTalkers earlyTalkers(String text) {
        return switch (text) {
            case "ignore" -> EarlyTalkers.IGNORE;
            case "reject" -> EarlyTalkers.REJECT;
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static BareLineEnds bareLineEnds(String text) {
        return switch (text) {
            case "normalise" -> BareLineEnds.NORMALISE;
            case "reject" -> BareLineEnds.REJECT;
            default -> throw new IllegalArgumentException(text);
        };
    }
}
