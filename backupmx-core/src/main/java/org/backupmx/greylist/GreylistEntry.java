package org.backupmx.greylist;

import static java.util.Objects.requireNonNull;

import java.time.Instant;

/**
 * What greylisting remembers under a key: of a triplet or of a client network. Immutable and thread-safe.
 *
 * @param firstSeen when it was seen first, to the second at least
 * @param passes how often it has passed, at least 0
 * @param expiresAt from when it counts no more, to the second at least
 */
public record GreylistEntry(Instant firstSeen, int passes, Instant expiresAt) {

    /** Checks the parts. */
    public GreylistEntry {
        requireNonNull(firstSeen, "firstSeen");
        requireNonNull(expiresAt, "expiresAt");
        if (passes < 0) {
            throw new IllegalArgumentException("passes: " + passes + " (expected: >= 0)");
        }
    }
}
