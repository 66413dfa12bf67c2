package org.backupmx.examples;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.HealthThresholds;
import org.backupmx.relay.ProbeDepth;
import org.jspecify.annotations.Nullable;

/** How a primary is probed: {@code probe} of the reference server's configuration. No depth is no probe. */
record ServerProbe(Optional<ProbeDepth> depth, Duration up, Duration down, Duration timeout, int rise, int fall) {

    private static final Set<String> KEYS = Set.of("depth", "up", "down", "timeout", "rise", "fall");

    /** Reads {@code probe}, null if the file has none. */
    static ServerProbe of(@Nullable ConfigNode node) throws ConfigException {
        Map<String, ConfigNode> map = node == null ? Map.of() : node.map(KEYS);
        return new ServerProbe(
                map.containsKey("depth")
                        ? map.get("depth").value("tcp, banner, ehlo, starttls, rcpt or off", ServerProbe::depth)
                        : Optional.of(ProbeDepth.RCPT),
                duration(map, "up", Duration.ofMinutes(8), "1d", Duration.ofDays(1)),
                duration(map, "down", Duration.ofSeconds(60), "20m", HealthProbe.MAX_INTERVAL_WHILE_DOWN),
                duration(map, "timeout", Duration.ofSeconds(30), "10m", Duration.ofMinutes(10)),
                map.containsKey("rise") ? map.get("rise").number(1, 100) : 2,
                map.containsKey("fall") ? map.get("fall").number(1, 100) : 2);
    }

    private static Duration duration(
            Map<String, ConfigNode> map, String key, Duration absent, String mostShown, Duration most)
            throws ConfigException {
        if (!map.containsKey(key)) {
            return absent;
        }
        return map.get(key).value("a duration from 1s to " + mostShown, text -> {
            Duration duration = Units.duration(text);
            if (duration.compareTo(most) > 0) {
                throw new IllegalArgumentException(text);
            }
            return duration;
        });
    }

    private static Optional<ProbeDepth> depth(String text) {
        return switch (text) {
            case "tcp" -> Optional.of(ProbeDepth.TCP);
            case "banner" -> Optional.of(ProbeDepth.BANNER);
            case "ehlo" -> Optional.of(ProbeDepth.EHLO);
            case "starttls" -> Optional.of(ProbeDepth.STARTTLS);
            case "rcpt" -> Optional.of(ProbeDepth.RCPT);
            case "off" -> Optional.empty();
            default -> throw new IllegalArgumentException(text);
        };
    }

    /** Returns it as the engine takes it. */
    HealthProbe healthProbe() {
        return plain().every(up).everyWhileDown(down).timeout(timeout).thresholds(new HealthThresholds(rise, fall));
    }

    private HealthProbe plain() {
        if (depth.isEmpty()) {
            return HealthProbe.off();
        }
        return switch (depth.get()) {
            case TCP -> HealthProbe.tcp();
            case BANNER -> HealthProbe.smtpGreeting();
            case EHLO -> HealthProbe.ehlo();
            case STARTTLS -> HealthProbe.startTls();
            case RCPT -> HealthProbe.recipient();
        };
    }
}
