package org.backupmx.spool.transfer;

/**
 * Follows an export or import while it runs, and may end it. Called on the thread that runs it, message by message; what
 * a method throws ends the run.
 */
public interface TransferWatcher {

    /**
     * Tells that a message is whole at its new place. An import tells it once the message is committed.
     *
     * @param name the message's name: its identity in the spool that was exported
     * @param mailDataBytes the size of its mail data in bytes
     */
    default void transferred(String name, long mailDataBytes) {}

    /**
     * Tells that a message could not be read; the run goes on with the next one.
     *
     * @param name the message's name, or {@code ?} if not even that is known
     * @param reason what is wrong, for operators
     */
    default void failed(String name, String reason) {}

    /**
     * Tells whether to go on; asked before each message.
     *
     * @return false to end the run after the messages under way
     */
    default boolean goesOn() {
        return true;
    }
}
