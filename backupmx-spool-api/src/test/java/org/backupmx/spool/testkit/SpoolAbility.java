package org.backupmx.spool.testkit;

/** What a spool can do besides the rules that hold for every spool. A fixture states all that apply. */
public enum SpoolAbility {
    /** Messages outlive {@code close()}; {@link SpoolFixture#reopen} works. */
    PERSISTENT,
    /** A loss of power can be played; {@link SpoolFixture#crash} works. */
    CRASHABLE,
    /** Several open spools may share one storage; {@link SpoolFixture#share} works. */
    SHAREABLE,
    /** The room can be limited; {@link SpoolFixture#newSpool(long)} works. */
    BOUNDED,
    /** Stored mail data can be damaged; {@link SpoolFixture#damage} works. */
    DAMAGEABLE,
    /** A commit can be made to fail; {@link SpoolFixture#failNextCommit} works. */
    COMMIT_FAULTS
}
