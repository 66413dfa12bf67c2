package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;

/**
 * What an operator orders about a domain, whatever its primary seems to be. Immutable and thread-safe.
 *
 * @param kind what is ordered
 * @param until when that ends by itself, and {@link Kind#AUTO} begins again; empty for never
 */
public record HealthOverride(Kind kind, Optional<Instant> until) {

    private static final HealthOverride AUTO = new HealthOverride(Kind.AUTO, Optional.empty());

    /** Checks the parts. */
    public HealthOverride {
        requireNonNull(kind, "kind");
        requireNonNull(until, "until");
        if (kind == Kind.AUTO && until.isPresent()) {
            throw new IllegalArgumentException("until: " + until.get() + " (expected: none, as auto has no end)");
        }
    }

    /** What may be ordered. */
    public enum Kind {
        /** Nothing: probes and deliveries tell. */
        AUTO,
        /** The primary is taken for DOWN: all its mail is accepted, none is relayed. */
        FORCE_DOWN,
        /** The primary is taken for UP: its mail is relayed at full rate, and left to it in monitoring mode. */
        FORCE_UP,
        /** Nothing is relayed. What is accepted is as for {@link #AUTO}. */
        HOLD
    }

    /**
     * Returns no order.
     *
     * @return the override that overrides nothing
     */
    public static HealthOverride auto() {
        return AUTO;
    }

    /**
     * Returns an order without an end.
     *
     * @param kind what is ordered
     * @return the override
     */
    public static HealthOverride of(Kind kind) {
        return new HealthOverride(kind, Optional.empty());
    }

    /**
     * Returns this order with an end.
     *
     * @param end when it ends by itself
     * @return a copy
     * @throws IllegalArgumentException if this is {@link Kind#AUTO}
     */
    public HealthOverride until(Instant end) {
        return new HealthOverride(kind, Optional.of(end));
    }
}
