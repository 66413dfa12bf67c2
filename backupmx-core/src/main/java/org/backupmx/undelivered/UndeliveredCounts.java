package org.backupmx.undelivered;

/**
 * What has become of undeliverable mail since the engine started. Immutable and thread-safe.
 *
 * @param dsnSent DSNs that were queued
 * @param dsnSentUnverified how many of them went to a sender who was not verified: 0, always
 * @param dsnRateLimited recipients who would have been told and were not, since too many DSNs had gone to that address or
 *     about that domain within the hour; they are among the dead letters
 * @param deadLettered messages that were put to the dead letters
 * @param deadLettersRemoved messages that were removed from them at the end of their time
 * @param dropped recipients that failed or expired and of whom nobody was told: mail with a null reverse-path, mail whose
 *     verified sender did not want to know, and what {@link ExpiryAction.Drop} removes
 * @param outcomesUnknown attempts of a recipient whose mail was sent to its end without a reply to that: the primary may have
 *     it, and gets it again, so this bounds the duplicates that we made
 * @param rescueBegun recipients whose mail was turned to the rescue hosts
 * @param rescued recipients whose mail they took
 */
public record UndeliveredCounts(
        long dsnSent,
        long dsnSentUnverified,
        long dsnRateLimited,
        long deadLettered,
        long deadLettersRemoved,
        long dropped,
        long outcomesUnknown,
        long rescueBegun,
        long rescued) {}
