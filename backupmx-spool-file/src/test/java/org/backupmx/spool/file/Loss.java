package org.backupmx.spool.file;

import java.util.Arrays;
import java.util.Random;

/** What a loss of power takes of the changes to a file that were not forced. */
enum Loss {
    NONE,
    ALL,
    /** Everything behind some change: the disk kept the order. */
    LATER,
    /** The same, and the next change is there in part, torn anywhere. */
    TORN,
    /** Each sector is as some change left it, in any mixture. */
    SECTORS,
    /** Each page of eight sectors. */
    PAGES,
    /** All but one sector is there. */
    ONE_SECTOR,
    /** One sector alone is there. */
    ALL_BUT_ONE_SECTOR;

    private static final Loss[] EACH = values();

    static Loss of(Random random) {
        return EACH[random.nextInt(EACH.length)];
    }

    boolean isOrdered() {
        return this == ALL || this == LATER || this == TORN;
    }

    /** Returns for each sector the last change that it kept, -1 if none. */
    int[] kept(int sectors, int changes, Random random) {
        int[] kept = new int[sectors];
        int last = changes - 1;
        switch (this) {
            case NONE -> Arrays.fill(kept, last);
            case ALL -> Arrays.fill(kept, -1);
            case LATER, TORN -> Arrays.fill(kept, random.nextInt(changes + 1) - 1);
            case SECTORS -> Arrays.setAll(kept, i -> any(changes, random));
            case PAGES -> {
                for (int i = 0; i < sectors; i++) {
                    kept[i] = i % (FileContent.PAGE / FileContent.SECTOR) == 0 ? any(changes, random) : kept[i - 1];
                }
            }
            case ONE_SECTOR, ALL_BUT_ONE_SECTOR -> {
                Arrays.fill(kept, this == ONE_SECTOR ? last : -1);
                if (sectors > 0) {
                    kept[random.nextInt(sectors)] = this == ONE_SECTOR ? -1 : last;
                }
            }
        }
        return kept;
    }

    private static int any(int changes, Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> -1;
            case 1 -> random.nextInt(changes + 1) - 1;
            default -> changes - 1;
        };
    }
}
