package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.spool.file.CompactionPolicy.Choice;
import org.junit.jupiter.api.Test;

class CompactionPolicyTest {

    private static final int SIZE = 32_000;

    private final FileIo.Handle file = new SimulatedDisk(SIZE).openForWriting(Path.of("segment"));
    private final CompactionPolicy policy = new CompactionPolicy(2 * SIZE);
    private final List<Segment> segments = new ArrayList<>();

    CompactionPolicyTest() throws IOException {}

    private Segment segment(int needed) {
        Segment segment = growing(segments.size() + 1);
        segment.liveBytes = needed;
        segment.seal();
        segments.add(segment);
        return segment;
    }

    private Segment growing(int number) {
        Segment segment = new Segment(number, new SegmentHeader(number, 1, 1, 0, 0), null, file);
        segment.end(segment.start() + SIZE);
        return segment;
    }

    private Optional<Choice> next() {
        return policy.next(segments, false);
    }

    @Test
    void nothingIsMovedWhileLittleIsGained() {
        segment(SIZE / 2);
        segment(SIZE / 5);
        segment(SIZE);
        assertThat(next()).isEmpty();
    }

    @Test
    void nearlyEmptySegmentGoesAtOnce() {
        segment(SIZE / 2);
        Segment poisoned = segment(SIZE / CompactionPolicy.NEARLY_EMPTY);
        assertThat(next()).contains(new Choice(poisoned, false));
        poisoned.liveBytes++;
        assertThat(next()).isEmpty();
    }

    @Test
    void sparsestGoesWhenMoreIsNotNeededThanNeededAndSlack() {
        segment(8_000);
        Segment sparsest = segment(7_000);
        segment(8_000);
        Segment last = segment(9_001);
        assertThat(next()).isEmpty();
        last.liveBytes -= 2; // needed 31,999, not needed 96,001, slack 64,000
        assertThat(next()).contains(new Choice(sparsest, false));
    }

    @Test
    void budgetDoesNotCountWhenThreeTimesTheRoomIsTaken() {
        for (int i = 0; i < 8; i++) {
            segment(SIZE / 16);
        }
        assertThat(next()).map(Choice::isUrgent).contains(true);
    }

    @Test
    void fullDiskMakesTheSparsestGoWithoutBudget() {
        segment(SIZE * 7 / 8);
        Segment sparsest = segment(SIZE / 2);
        assertThat(next()).isEmpty();
        assertThat(policy.next(segments, true)).contains(new Choice(sparsest, true));
        sparsest.liveBytes = SIZE * 3 / 4;
        assertThat(policy.next(segments, true)).isEmpty();
    }

    @Test
    void whatWasTriedIsNotTriedAgainUntilItChanges() {
        Segment stubborn = segment(10);
        Segment next = segment(20);
        stubborn.triedAtLiveBytes = 10;
        assertThat(next()).contains(new Choice(next, false));
        stubborn.liveBytes = 9;
        assertThat(next()).contains(new Choice(stubborn, false));
    }

    @Test
    void whatCannotBeMovedDoesNotHaveOthersMoved() {
        for (int i = 0; i < 8; i++) {
            segment(SIZE / 16).triedAtLiveBytes = SIZE / 16; // a page of each that cannot be read
        }
        segment(SIZE * 7 / 8);
        assertThat(next()).isEmpty();
    }

    @Test
    void damagedOpenAndGrowingSegmentsStay() {
        segment(10).damages = 1;
        segment(10).openChunks = 1;
        segment(10).endsPrevious = true;
        segments.add(growing(9));
        assertThat(next()).isEmpty();
    }
}
