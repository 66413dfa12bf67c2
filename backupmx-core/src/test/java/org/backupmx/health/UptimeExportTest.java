package org.backupmx.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class UptimeExportTest {

    private static final Instant START = Instant.parse("2026-11-22T22:00:00Z");
    private static final String HOSTILE = "421 \"busy\", <script>alert('x')</script> & \\ häß\uFFFE";

    private static UptimeSpan span(int fromMinute, int toMinute, PrimaryHealth health, String cause) {
        return new UptimeSpan(START.plusSeconds(60L * fromMinute), START.plusSeconds(60L * toMinute), health, cause);
    }

    private static final UptimeReport REPORT = new UptimeReport(
            "<mail>&.example.org:25",
            START,
            START.plus(Duration.ofHours(26)),
            List.of(
                    span(0, 60, PrimaryHealth.UP, "probe succeeded"),
                    span(60, 150, PrimaryHealth.DOWN, HOSTILE),
                    new UptimeSpan(
                            START.plusSeconds(9_000), START.plusSeconds(20_000).plusMillis(5), PrimaryHealth.UP, ""),
                    span(1_000, 1_003, PrimaryHealth.REJECTING, "554 no")),
            true);

    @Test
    void periodsAreCsv() {
        assertThat(UptimeExport.periodsCsv(REPORT)).isEqualTo("""
                period,from,to,known_seconds,answering_seconds,percent,worst
                total,2026-11-22T22:00:00Z,2026-11-24T00:00:00Z,20180.005,14600.005,72.348,DOWN
                day,2026-11-22T22:00:00Z,2026-11-23T00:00:00Z,7200.000,3600.000,50.000,DOWN
                day,2026-11-23T00:00:00Z,2026-11-24T00:00:00Z,12980.005,11000.005,84.745,DOWN
                week,2026-11-22T22:00:00Z,2026-11-23T00:00:00Z,7200.000,3600.000,50.000,DOWN
                week,2026-11-23T00:00:00Z,2026-11-24T00:00:00Z,12980.005,11000.005,84.745,DOWN
                month,2026-11-22T22:00:00Z,2026-11-24T00:00:00Z,20180.005,14600.005,72.348,DOWN
                """.replace("\n", "\r\n"));
    }

    @Test
    void outagesAreCsvAndQuoted() {
        assertThat(UptimeExport.outagesCsv(REPORT)).isEqualTo("""
                from,until,seconds,health,cause
                2026-11-22T23:00:00Z,2026-11-23T00:30:00Z,5400.000,DOWN,"421 ""busy"", <script>alert('x')</script> & \\ häß\uFFFE"
                2026-11-23T14:40:00Z,,180.000,REJECTING,554 no
                """.replace("\n", "\r\n"));
    }

    @Test
    void jsonIsEscapedAndTellsNullForNothing() {
        UptimeReport unknown = new UptimeReport("a\"\\b", START, START.plusSeconds(60), List.of(), false);
        String nothing = "{\"from\":\"2026-11-22T22:00:00Z\",\"to\":\"2026-11-22T22:01:00Z\",\"known_seconds\":0.000,"
                + "\"answering_seconds\":0.000,\"percent\":null,\"worst\":\"UNKNOWN\"}";
        assertThat(UptimeExport.json(unknown))
                .isEqualTo(
                        "{\"primary\":\"a\\\"\\\\b\",\"from\":\"2026-11-22T22:00:00Z\",\"to\":\"2026-11-22T22:01:00Z\","
                                + "\"total\":" + nothing + ",\"days\":[" + nothing + "],\"weeks\":[" + nothing
                                + "],\"months\":[" + nothing + "],\"outages\":[]}");
        assertThat(UptimeExport.json(REPORT))
                .endsWith("\"outages\":[{\"from\":\"2026-11-22T23:00:00Z\",\"until\":\"2026-11-23T00:30:00Z\","
                        + "\"seconds\":5400.000,\"health\":\"DOWN\",\"cause\":\"421 \\\"busy\\\","
                        + " <script>alert('x')</script> & \\\\ häß\uFFFE\"},{\"from\":\"2026-11-23T14:40:00Z\","
                        + "\"until\":null,\"seconds\":180.000,\"health\":\"REJECTING\",\"cause\":\"554 no\"}]}");
    }

    @Test
    void percentsAreRoundedDown() {
        UptimeReport report = new UptimeReport(
                "a",
                START,
                START.plus(Duration.ofDays(300)),
                List.of(
                        new UptimeSpan(START, START.plus(Duration.ofDays(300)).minusSeconds(1), PrimaryHealth.UP, ""),
                        new UptimeSpan(
                                START.plus(Duration.ofDays(300)).minusSeconds(1),
                                START.plus(Duration.ofDays(300)),
                                PrimaryHealth.DOWN,
                                "")),
                false);
        assertThat(UptimeExport.periodsCsv(report)).contains(",99.999,DOWN\r\n").contains(",100.000,UP\r\n");
    }

    @Test
    void theBarIsXmlWithACellForEachDayAndNoScript() throws Exception {
        String svg = UptimeExport.svg(REPORT);
        Document document =
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        assertThat(document.getElementsByTagName("script").getLength()).isZero();
        NodeList cells = document.getElementsByTagName("rect");
        assertThat(cells.getLength()).isEqualTo(2);
        assertThat(((Element) cells.item(0)).getAttribute("fill")).isEqualTo("#c62828");
        assertThat(document.getElementsByTagName("title").item(0).getTextContent())
                .isEqualTo("<mail>&.example.org:25: 72.348 %");
        assertThat(cells.item(0).getTextContent())
                .isEqualTo("2026-11-22: 50.000 %\nDOWN 23:00:00 to 2026-11-23: " + HOSTILE.replace('\uFFFE', '\uFFFD'));
        assertThat(cells.item(1).getTextContent())
                .isEqualTo("2026-11-23: 84.745 %\nDOWN 2026-11-22 to 00:30:00: " + HOSTILE.replace('\uFFFE', '\uFFFD')
                        + "\nREJECTING 14:40:00 to 14:43:00: 554 no");
    }
}
