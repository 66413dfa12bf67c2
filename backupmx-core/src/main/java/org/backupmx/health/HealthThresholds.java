package org.backupmx.health;

/**
 * How many answers in a row turn a primary's health. Immutable and thread-safe.
 *
 * @param rise good answers before {@link PrimaryHealth#UP}, 1 to 100
 * @param fall failures before {@link PrimaryHealth#DOWN} or {@link PrimaryHealth#REJECTING}, 1 to 100
 */
public record HealthThresholds(int rise, int fall) {

    /** Checks the counts. */
    public HealthThresholds {
        check("rise", rise);
        check("fall", fall);
    }

    private static void check(String name, int value) {
        if (value < 1 || value > 100) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 to 100)");
        }
    }
}
