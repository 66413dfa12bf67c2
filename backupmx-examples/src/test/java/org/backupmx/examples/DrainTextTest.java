package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DrainTextTest {

    private static DrainText.Line line(String domain, long left, long sent, double perSecond) {
        return new DrainText.Line(domain, "UP", left, 0, 1, sent, 0, 0, perSecond, Optional.empty(), Optional.empty());
    }

    @Test
    void tellsHowLongTheRestTakesInHonestUnits() {
        assertThat(DrainText.left(0, 5)).isEmpty();
        assertThat(DrainText.left(10, 0)).isEqualTo(", unknown time left");
        assertThat(DrainText.left(10, 3)).isEqualTo(", about 4s left");
        assertThat(DrainText.left(100_000, 10)).isEqualTo(", about 2h 46m left");
        assertThat(DrainText.left(1_000_000, 0.01)).isEqualTo(", more than 7d left");
        assertThat(DrainText.line(
                        new DrainText.Line("total", "", 40, 0, 0, 8, 1, 2, 0.5, Optional.empty(), Optional.empty())))
                .isEqualTo("drain: 40 left, 8 sent, 1 failed, 2 deferred, 0.50 a second, about 1m 20s left");
    }

    @Test
    void showsThoseWithMostLeftAndAllTogether() {
        List<DrainText.Line> lines = IntStream.range(0, 25)
                .mapToObj(i -> line("d" + i + ".example", i, 2, 1))
                .toList();
        List<String> table = DrainText.table(lines);
        assertThat(table).hasSize(23);
        assertThat(table.get(0)).startsWith("domain ");
        assertThat(table.get(1)).startsWith("d24.example ").contains(" 24 ");
        assertThat(table.get(21)).isEqualTo("… and 5 more domains");
        assertThat(table.get(22))
                .startsWith("total ")
                .contains(" 300 ")
                .contains(" 50 ")
                .endsWith("about 12s");
    }

    @Test
    void tellsOfHoursAndOfWhatTheServerKnows() {
        DrainText.Line waits = DrainText.Line.parse("a.test UP 600 0 0 0 0 0 0.00 136800 2026-11-22T22:00:00Z");
        DrainText.Line later = DrainText.Line.parse("b.test UP 6 0 0 0 0 0 0.00 -1 2026-11-22T23:00:00Z");
        DrainText.Line capped = DrainText.Line.parse("c.test UP 60 0 0 0 0 0 5.00 3600 -");
        List<String> table = DrainText.table(List.of(waits, later, capped));
        assertThat(table.get(1)).endsWith(" about 1d 14h, hours begin 2026-11-22T22:00:00Z");
        assertThat(table.get(2)).endsWith(" about 1h");
        assertThat(table.get(3)).endsWith(" unknown time, hours begin 2026-11-22T23:00:00Z");
        assertThat(table.get(4)).as("somebody goes").doesNotContain("hours");
        assertThat(DrainText.line(DrainText.total(List.of(later, waits))))
                .endsWith("0.00 a second, unknown time left, hours begin 2026-11-22T22:00:00Z");
    }

    @Test
    void countsFromWhereItBegan() {
        DrainText.Line now = DrainText.Line.parse("example.test UP 7 1 2 30 4 5 1.50 5 -");
        assertThat(now.since(DrainText.Line.parse("example.test DOWN 9 1 2 28 4 1 1.50 -1 -")))
                .isEqualTo(new DrainText.Line(
                        "example.test",
                        "UP",
                        7,
                        1,
                        2,
                        2,
                        0,
                        4,
                        1.5,
                        Optional.of(Duration.ofSeconds(5)),
                        Optional.empty()));
    }
}
