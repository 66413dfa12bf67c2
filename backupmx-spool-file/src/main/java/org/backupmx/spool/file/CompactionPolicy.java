package org.backupmx.spool.file;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/**
 * Says which segment is compacted next, if any: moving costs writing, waiting costs room, and mail that leaves by itself
 * need not be moved at all.
 *
 * <p>A segment of which next to nothing is needed always goes. Others wait until more is not needed than needed, over all
 * segments and by more than the slack; then the sparsest goes. So the segments take at most about
 * twice what is needed, and mail that stays for a while and then leaves in the order it came is seldom written twice.
 */
final class CompactionPolicy {

    /** Which part of a segment is not worth keeping the rest for. */
    static final int NEARLY_EMPTY = 32;

    static final int SLACK_SEGMENTS = 2;

    /** What is to be moved, and whether that is so late that the budget does not count. */
    record Choice(Segment segment, boolean isUrgent) {}

    private final long slackBytes;

    CompactionPolicy(long slackBytes) {
        this.slackBytes = slackBytes;
    }

    /**
     * Returns what is to be compacted now. To be called with the index' monitor held.
     *
     * @param isFull whether the disk has too little room for new mail
     */
    Optional<Choice> next(Collection<Segment> segments, boolean isFull) {
        long needed = 0;
        long notNeeded = 0;
        for (Segment segment : segments) {
            if (canGain(segment)) {
                needed += segment.liveBytes;
                notNeeded += segment.size() - segment.liveBytes;
            }
        }
        boolean isDue = notNeeded > needed + slackBytes;
        boolean isLate = isFull || notNeeded > 2 * (needed + slackBytes);
        return segments.stream()
                .filter(CompactionPolicy::canGain)
                .min(Comparator.comparingDouble(CompactionPolicy::needed))
                .filter(sparsest -> isNearlyEmpty(sparsest) || isDue || isFull && needed(sparsest) < 0.75)
                .map(sparsest -> new Choice(sparsest, isLate));
    }

    /** What could not be moved away gives no room, and must not have all others moved for it again and again. */
    private static boolean canGain(Segment segment) {
        return segment.isReclaimable() && segment.liveBytes != segment.triedAtLiveBytes;
    }

    private static boolean isNearlyEmpty(Segment segment) {
        return segment.liveBytes * NEARLY_EMPTY <= segment.size();
    }

    private static double needed(Segment segment) {
        return (double) segment.liveBytes / Math.max(1, segment.size());
    }
}
