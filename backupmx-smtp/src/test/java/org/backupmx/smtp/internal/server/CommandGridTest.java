package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reply to each command in each state of a session, from a table that was written by hand. */
class CommandGridTest {

    private static final Path GRID = Path.of("src/test/resources/command-grid.txt");

    private static final String MAIL = "MAIL FROM:<x@example.org>\r\n";
    private static final String RCPT = "RCPT TO:<y@example.net>\r\n";

    /** What a client says to get into a state. */
    private static final Map<String, String> STATES = Map.of(
            "new", "",
            "helo", "HELO a\r\n",
            "ehlo", "EHLO a\r\n",
            "mail", "EHLO a\r\n" + MAIL,
            "rcpt", "EHLO a\r\n" + MAIL + RCPT,
            "sent", "EHLO a\r\n" + MAIL + RCPT + "DATA\r\nx\r\n.\r\n",
            "rset", "EHLO a\r\n" + MAIL + RCPT + "RSET\r\n");

    /** A cell; {@code atData} is what DATA gets in this state. */
    record Cell(String command, String state, String reply, String atData) {
        @Override
        public String toString() {
            return state + ": " + command + " = " + reply;
        }
    }

    static Stream<Cell> grid() throws IOException {
        List<String[]> rows = new ArrayList<>();
        for (String line : Files.readAllLines(GRID)) {
            if (!line.startsWith("#")) {
                rows.add(line.split(" \\| ", -1));
            }
        }
        String[] states = rows.remove(0);
        String[] data =
                rows.stream().filter(row -> row[0].equals("DATA")).findFirst().orElseThrow();
        return rows.stream().flatMap(row -> {
            assertThat(row).as(row[0]).hasSameSizeAs(states);
            String command = row[0].replace("(empty)", "").replace("(space)", " ");
            List<Cell> cells = new ArrayList<>();
            for (int i = 1; i < states.length; i++) {
                cells.add(new Cell(command, states[i], row[i], data[i]));
            }
            return cells.stream();
        });
    }

    @Test
    void a1_thereAreTwoHundredAndNoneTwice() throws IOException {
        Map<String, Cell> cells = new LinkedHashMap<>();
        grid().forEach(cell -> assertThat(cells.put(cell.state + " " + cell.command, cell))
                .as(cell.toString())
                .isNull());
        assertThat(cells).hasSizeGreaterThanOrEqualTo(200);
        assertThat(cells.values().stream().map(Cell::state).distinct())
                .containsExactlyInAnyOrderElementsOf(STATES.keySet());
    }

    @ParameterizedTest
    @MethodSource("grid")
    void a1_commandInState(Cell cell) {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake);
        session.send(STATES.get(cell.state));
        session.said();

        session.send(cell.command + "\r\n");

        assertReply(session, cell.reply);
        boolean over = cell.reply.startsWith("221");
        assertThat(session.isClosed()).isEqualTo(over);
        if (cell.reply.startsWith("5") || cell.reply.startsWith("4")) {
            // what is refused changes nothing
            session.send("DATA\r\n");
            assertReply(session, cell.atData);
        }
        session.vanish();
        session.checkException();
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.messages()).hasSize(cell.state.equals("sent") ? 1 : 0);
        assertThat(session.bufferBytes()).isZero();
    }

    private static void assertReply(SessionHarness session, String expected) {
        List<String> said = session.saidLines();
        String[] parts = expected.split(" ", 2);
        assertThat(said).isNotEmpty();
        for (int i = 0; i < said.size(); i++) {
            String line = said.get(i);
            assertThat(line).startsWith(parts[0] + (i < said.size() - 1 ? "-" : " "));
            boolean enhanced = line.substring(4).matches("[245]\\.\\d{1,3}\\.\\d{1,3} .+");
            assertThat(enhanced).as(line).isEqualTo(!parts[1].equals("-"));
            if (enhanced) {
                assertThat(line.substring(4)).startsWith(parts[1] + " ");
            }
        }
        assertThat(said.stream().filter(line -> line.charAt(3) == ' '))
                .as(Arrays.toString(parts))
                .hasSize(1);
    }
}
