package org.backupmx.spool.transfer;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MboxBodyTest {

    private static String written(String mailData) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        MboxBody body = new MboxBody(out);
        body.write(mailData.getBytes(US_ASCII));
        body.finish();
        return out.toString(US_ASCII);
    }

    @ParameterizedTest
    @CsvSource({
        "'', '~'",
        "'a', 'a~~'",
        "'a^~', 'a~~'",
        "'From x^~', '>From x~~'",
        "'>From x^~>>From ^~', '>>From x~>>>From ~~'",
        "'From^~Fro', 'From~Fro~~'",
        "' From x^~a From y^~>a^~', ' From x~a From y~>a~~'",
        "'^a^', '^a^~~'",
        "'^^~', '^~~'",
        "'From ', '>From ~~'",
        "'>', '>~~'",
        "'F>From ^~>>^~', 'F>From ~>>~~'",
    })
    void linesAreQuotedAsMboxrdSays(String mailData, String expected) throws IOException {
        assertThat(written(mailData.replace('^', '\r').replace('~', '\n')))
                .isEqualTo(expected.replace('^', '\r').replace('~', '\n'));
    }

    @Provide
    Arbitrary<String> lines() {
        return Arbitraries.of(">", "F", "From", "From ", ">From ", "x", " ", "\r\n")
                .list()
                .ofMaxSize(20)
                .map(parts -> String.join("", parts));
    }

    @Property(tries = 500)
    void aReaderGetsTheLinesBack(@ForAll("lines") String mailData) throws IOException {
        String written = written(mailData);
        assertThat(written.lines()).noneMatch(line -> line.startsWith("From "));
        String read = written.substring(0, written.length() - 1)
                .lines()
                .map(line -> (line.matches(">+From .*") ? line.substring(1) : line) + "\r\n")
                .reduce("", String::concat);
        String whole = mailData.isEmpty() || mailData.endsWith("\r\n") ? mailData : mailData + "\r\n";
        assertThat(read).isEqualTo(whole);
    }
}
