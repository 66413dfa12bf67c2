package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a scan finds: an intact message, or damage that is told and never skipped in silence. */
public sealed interface SpoolEntry {

    /**
     * A message whose envelope and states are readable. Its mail data is checked when it is read.
     *
     * @param message the message
     */
    record Intact(QueuedMessage message) implements SpoolEntry {
        /** Checks the message. */
        public Intact {
            requireNonNull(message, "message");
        }
    }

    /** Something that was stored and cannot be read any more. */
    final class Damaged implements SpoolEntry {
        private final @Nullable SpoolId id;
        private final String reason;

        /**
         * Makes a damaged entry.
         *
         * @param id the message, null if not even that is known
         * @param reason what is wrong and where, for operators
         */
        public Damaged(@Nullable SpoolId id, String reason) {
            this.id = id;
            this.reason = requireNonNull(reason, "reason");
        }

        /**
         * Returns the message that is damaged.
         *
         * @return its identity, empty if not even that is known
         */
        public Optional<SpoolId> id() {
            return Optional.ofNullable(id);
        }

        /**
         * Returns what is wrong and where.
         *
         * @return a line for operators
         */
        public String reason() {
            return reason;
        }

        /** Returns identity and reason. */
        @Override
        public String toString() {
            return "Damaged[" + (id == null ? "?" : id) + ": " + reason + "]";
        }
    }
}
