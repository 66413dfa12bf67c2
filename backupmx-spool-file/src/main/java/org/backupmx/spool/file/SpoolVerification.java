package org.backupmx.spool.file;

import java.util.List;

/**
 * What a look at every record of a spool found. Immutable and thread-safe.
 *
 * @param description what the directory holds
 * @param records intact records
 * @param damage every damaged place, also where nothing was needed any more; empty if all is well
 */
public record SpoolVerification(SpoolDescription description, long records, List<SpoolDamage> damage) {

    /** Copies the parts. */
    public SpoolVerification {
        damage = List.copyOf(damage);
    }

    /**
     * Tells whether every record is intact.
     *
     * @return true if there is no damage
     */
    public boolean isIntact() {
        return damage.isEmpty();
    }
}
