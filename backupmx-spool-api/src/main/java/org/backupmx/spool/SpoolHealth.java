package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

/** Whether a spool takes new messages now. Immutable and thread-safe. */
public sealed interface SpoolHealth {

    /**
     * Returns the health of a spool that takes messages.
     *
     * @return accepting
     */
    static SpoolHealth accepting() {
        return Accepting.INSTANCE;
    }

    /**
     * Returns the health of a spool that takes no messages now.
     *
     * @param reason why, for operators; never sent to a client
     * @return refusing
     */
    static SpoolHealth refusing(String reason) {
        return new Refusing(reason);
    }

    /**
     * Returns the health of a spool that has too little room for new messages.
     *
     * @param reason why, for operators; never sent to a client
     * @return full
     */
    static SpoolHealth full(String reason) {
        return new Full(reason);
    }

    /**
     * Returns the health of a spool that takes no messages now and has next to no room.
     *
     * @param reason why, for operators; never sent to a client
     * @return exhausted
     */
    static SpoolHealth exhausted(String reason) {
        return new Exhausted(reason);
    }

    /**
     * Tells whether new messages are taken.
     *
     * @return true if they are
     */
    boolean isAccepting();

    /** The spool takes messages. */
    enum Accepting implements SpoolHealth {
        /** The one accepting health. */
        INSTANCE;

        @Override
        public boolean isAccepting() {
            return true;
        }
    }

    /**
     * The spool takes no messages, for another reason than room; clients get 451 at MAIL.
     *
     * @param reason why, for operators
     */
    record Refusing(String reason) implements SpoolHealth {
        /** Checks the reason. */
        public Refusing {
            requireNonNull(reason, "reason");
        }

        @Override
        public boolean isAccepting() {
            return false;
        }
    }

    /**
     * The spool has too little room for new messages; clients get 452 at MAIL. Delivery and deletion go on.
     *
     * @param reason why, for operators
     */
    record Full(String reason) implements SpoolHealth {
        /** Checks the reason. */
        public Full {
            requireNonNull(reason, "reason");
        }

        @Override
        public boolean isAccepting() {
            return false;
        }
    }

    /**
     * The spool takes no messages and has so little room that talking is no use: clients get 421 as they connect.
     * Delivery and deletion go on.
     *
     * @param reason why, for operators
     */
    record Exhausted(String reason) implements SpoolHealth {
        /** Checks the reason. */
        public Exhausted {
            requireNonNull(reason, "reason");
        }

        @Override
        public boolean isAccepting() {
            return false;
        }
    }
}
