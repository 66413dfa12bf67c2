package org.backupmx.examples;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.relay.Destination;
import org.backupmx.relay.NextHop;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.DeliveryPreset;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.RescueHosts;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;

/**
 * When mail is tried again, how long, and what becomes of it then: {@code retry}, {@code lifetime} and {@code undelivered} of
 * the reference server's configuration, of all domains or of one.
 */
record ServerSchedule(
        RetryPolicy intervals, boolean isPreset, Optional<Duration> lifetime, UndeliveredPolicy undelivered) {

    static final Set<String> KEYS = Set.of("retry", "lifetime", "undelivered");

    static final ServerSchedule DEFAULT = new ServerSchedule(
            RetryPolicy.parse("5m*3, 15m*4, 1h"),
            false,
            Optional.of(Duration.ofDays(14)),
            UndeliveredPolicy.standard());

    private static final double JITTER = 0.1;
    private static final Set<String> UNDELIVERED_KEYS = Set.of(
            "expiry",
            "hold",
            "null-path-lifetime",
            "counts",
            "refused-content",
            "dead-letters",
            "rescue",
            "rescue-for");

    /** Reads the keys of a map; what is not there is as in another schedule. */
    static ServerSchedule of(Map<String, ConfigNode> map, ServerSchedule others, boolean hasHistory)
            throws ConfigException {
        ServerSchedule read = others;
        if (map.containsKey("retry")) {
            read = read.withRetry(map.get("retry"));
        }
        if (map.containsKey("lifetime")) {
            read = read.withLifetime(map.get("lifetime"));
        }
        return map.containsKey("undelivered") ? read.withUndelivered(map.get("undelivered"), hasHistory) : read;
    }

    private ServerSchedule withRetry(ConfigNode node) throws ConfigException {
        String expected = "intervals such as 5m*3, 15m*4, 1h, or rfc5321, smartermail, dnsexit or dnsmadeeasy";
        return node.value(expected, text -> {
            for (DeliveryPreset preset : DeliveryPreset.values()) {
                if (preset.toString().equals(text)) {
                    return new ServerSchedule(
                            preset.retryPolicy(),
                            true,
                            preset.retryPolicy().lifetime(),
                            undelivered.withExpiry(preset.expiry()));
                }
            }
            Optional<Duration> kept = isPreset ? DEFAULT.lifetime() : lifetime;
            return new ServerSchedule(RetryPolicy.parse(text), false, kept, undelivered);
        });
    }

    private ServerSchedule withLifetime(ConfigNode node) throws ConfigException {
        Optional<Duration> value = node.value(
                Units.DURATION + ", or unlimited",
                text -> text.equals("unlimited") ? Optional.empty() : Optional.of(Units.duration(text)));
        if (isPreset) {
            throw node.fault("beside a preset, which has its own", "intervals for retry, or no lifetime");
        }
        return new ServerSchedule(intervals, false, value, undelivered);
    }

    private ServerSchedule withUndelivered(ConfigNode node, boolean hasHistory) throws ConfigException {
        Map<String, ConfigNode> map = node.map(UNDELIVERED_KEYS);
        UndeliveredPolicy policy = undelivered;
        if (map.containsKey("rescue")) {
            policy = policy.withRescueHosts(rescue(map.get("rescue"), policy));
        }
        if (map.containsKey("rescue-for")) {
            policy = policy.withRescueHosts(rescueFor(map.get("rescue-for"), policy));
        }
        if (map.containsKey("expiry")) {
            policy = policy.withExpiry(expiry(map.get("expiry"), policy));
        }
        if (map.containsKey("hold")) {
            policy = policy.withExpiry(hold(map.get("hold"), policy));
        }
        if (map.containsKey("null-path-lifetime")) {
            policy = policy.withNullPathLifetime(duration(map.get("null-path-lifetime")));
        }
        if (map.containsKey("counts")) {
            policy = policy.withUptimeOnly(uptimeOnly(map.get("counts"), hasHistory));
        }
        if (map.containsKey("refused-content")) {
            policy = policy.withContentRefusal(refusal(map.get("refused-content"), policy));
        }
        if (map.containsKey("dead-letters")) {
            policy = policy.withDeadLetterTime(duration(map.get("dead-letters")));
        }
        return new ServerSchedule(intervals, isPreset, lifetime, policy);
    }

    private static Duration duration(ConfigNode node) throws ConfigException {
        return node.value(Units.DURATION, Units::duration);
    }

    /** Reads the rescue hosts; the time for them stays what it was. */
    private static RescueHosts rescue(ConfigNode node, UndeliveredPolicy policy) throws ConfigException {
        List<NextHop> nextHops = ServerDomain.nextHops(node);
        if (nextHops.size() > Destination.MAX_NEXT_HOPS) {
            throw node.fault(nextHops.size() + " next hops", "at most " + Destination.MAX_NEXT_HOPS);
        }
        Duration time = policy.rescueHosts().map(RescueHosts::lifetime).orElse(RescueHosts.DEFAULT_LIFETIME);
        return new RescueHosts(nextHops, time);
    }

    private static RescueHosts rescueFor(ConfigNode node, UndeliveredPolicy policy) throws ConfigException {
        Duration time = duration(node);
        if (policy.rescueHosts().isEmpty()) {
            throw node.fault("without rescue", "hosts for rescue, or no rescue-for");
        }
        return policy.rescueHosts().get().withLifetime(time);
    }

    private static void checkRescue(ConfigNode node, boolean isWanted, UndeliveredPolicy policy)
            throws ConfigException {
        if (isWanted && policy.rescueHosts().isEmpty()) {
            throw node.fault("rescue without hosts", "hosts for undelivered.rescue");
        }
    }

    private static ExpiryAction expiry(ConfigNode node, UndeliveredPolicy policy) throws ConfigException {
        ExpiryAction action = node.value("bounce, drop, hold or rescue", text -> switch (text) {
            case "bounce" -> ExpiryAction.bounce();
            case "drop" -> ExpiryAction.drop();
            case "hold" -> ExpiryAction.hold(UndeliveredPolicy.DEFAULT_HOLD);
            case "rescue" -> ExpiryAction.rescue();
            default -> throw new IllegalArgumentException(text);
        });
        checkRescue(node, action == ExpiryAction.rescue(), policy);
        return action;
    }

    private static ExpiryAction hold(ConfigNode node, UndeliveredPolicy policy) throws ConfigException {
        Duration time = duration(node);
        if (!(policy.expiry() instanceof ExpiryAction.Hold)) {
            throw node.fault("without expiry: hold", "expiry: hold, or no hold");
        }
        return ExpiryAction.hold(time);
    }

    private static boolean uptimeOnly(ConfigNode node, boolean hasHistory) throws ConfigException {
        boolean only = node.value("age or uptime", text -> switch (text) {
            case "age" -> false;
            case "uptime" -> true;
            default -> throw new IllegalArgumentException(text);
        });
        if (only && !hasHistory) {
            throw node.fault("uptime without a history", "a directory for history");
        }
        return only;
    }

    private static ContentRefusal refusal(ConfigNode node, UndeliveredPolicy policy) throws ConfigException {
        ContentRefusal refusal =
                node.value("dead-letter, dsn-if-verified, retry, tag-and-retry or rescue", text -> switch (text) {
                    case "dead-letter" -> ContentRefusal.DEAD_LETTER;
                    case "dsn-if-verified" -> ContentRefusal.DSN_IF_VERIFIED;
                    case "retry" -> ContentRefusal.RETRY;
                    case "tag-and-retry" -> ContentRefusal.TAG_AND_RETRY;
                    case "rescue" -> ContentRefusal.RESCUE;
                    default -> throw new IllegalArgumentException(text);
                });
        checkRescue(node, refusal == ContentRefusal.RESCUE, policy);
        return refusal;
    }

    /** Reads {@code verified-senders}: networks, and {@code login}. */
    static SenderVerifier verifiedSenders(@Nullable ConfigNode node) throws ConfigException {
        SenderVerifier verifier = SenderVerifier.none();
        if (node != null) {
            for (ConfigNode item : node.isList() ? node.list() : List.of(node)) {
                verifier = verifier.or(item.value(
                        "a network such as 192.0.2.0/24, or login",
                        text -> text.equals("login")
                                ? SenderVerifier.login()
                                : SenderVerifier.networks(List.of(IpNetwork.of(text)))));
            }
        }
        return verifier;
    }

    /** Returns the policy as the engine takes it, with a tenth of jitter. */
    RetryPolicy retryPolicy() {
        RetryPolicy jittered =
                intervals.withJitter(JITTER, () -> ThreadLocalRandom.current().nextLong());
        return lifetime.map(jittered::giveUpAfter).orElse(jittered);
    }
}
