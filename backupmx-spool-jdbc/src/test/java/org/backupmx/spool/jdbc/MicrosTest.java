package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.backupmx.spool.SpoolId;
import org.junit.jupiter.api.Test;

class MicrosTest {

    @Property
    void instantsAreKeptToTheMicrosecond(@ForAll long second, @ForAll int nano) {
        Instant instant = Instant.ofEpochSecond(
                Math.floorMod(second, 8_000_000_000_000L) - 4_000_000_000_000L, Math.floorMod(nano, 1_000_000_000));
        Instant kept = Micros.instant(Micros.floor(instant));
        assertThat(kept).isEqualTo(instant.truncatedTo(ChronoUnit.MICROS));
        long up = Micros.ceil(instant) - Micros.floor(instant);
        assertThat(up).isEqualTo(kept.equals(instant) ? 0 : 1);
    }

    @Test
    void whatIsTooFarAwayIsTheEndOfTime() {
        for (Instant far : new Instant[] {Instant.MAX, Instant.ofEpochSecond(9_300_000_000_000L)}) {
            assertThat(Micros.instant(Micros.floor(far))).isEqualTo(Instant.MAX);
            assertThat(Micros.instant(Micros.ceil(far))).isEqualTo(Instant.MAX);
        }
        assertThat(Micros.instant(Micros.floor(Instant.MIN))).isEqualTo(Instant.MIN);
    }

    @Property
    void identitiesSortByArrivalAndDiffer(@ForAll long seed, @ForAll short millis) {
        Ids ids = new Ids(new SplittableRandom(seed));
        Instant first = Instant.ofEpochMilli(1_800_000_000_000L);
        SpoolId one = ids.next(first);
        SpoolId other = ids.next(first.plusMillis(millis));
        assertThat(one).isNotEqualTo(other);
        assertThat(one.value()).hasSize(26);
        if (millis != 0) {
            assertThat(Integer.signum(other.compareTo(one))).isEqualTo(Integer.signum(millis));
        }
    }

    @Test
    void identitiesOfTheEndsOfTimeAreWellFormed() {
        Ids ids = new Ids(new SplittableRandom(1));
        assertThat(ids.next(Instant.MAX)).isGreaterThan(ids.next(Instant.EPOCH));
        assertThat(ids.next(Instant.MIN).value()).startsWith("0000000000");
    }
}
