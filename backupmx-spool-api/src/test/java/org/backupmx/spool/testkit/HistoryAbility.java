package org.backupmx.spool.testkit;

/** What a history store can do besides the rules that hold for every one. A fixture states all that apply. */
public enum HistoryAbility {
    /** Entries outlive {@code close()}; {@link HistoryFixture#reopen} works. */
    PERSISTENT,
    /** The death of the process can be played; {@link HistoryFixture#kill} works. */
    KILLABLE,
    /** Several open stores may share one storage; {@link HistoryFixture#share} works. */
    SHAREABLE,
    /** The entries of a series can be limited; {@link HistoryFixture#newHistory(int)} works. */
    BOUNDED
}
