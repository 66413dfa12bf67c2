package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files with keys: which are taken, and what is said of the others. */
class KeyFileTest {

    private static final String HEX = "0123456789abcdef".repeat(4);
    private static final byte[] OCTETS = HexFormat.of().parseHex(HEX);

    @TempDir
    Path temporary;

    private Path file(String text, String mode) throws IOException {
        Path file = Files.writeString(temporary.resolve("keys"), text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-------", "r--------"})
    void firstKeyIsTheCurrentOne(String mode) throws Exception {
        String base64 = Base64.getEncoder().encodeToString(new byte[32]);
        KeyFile keys = KeyFile.read(file("# rotated in May\n\n2026-05\t" + HEX + "\r\nold.key_1  " + base64, mode));

        assertThat(keys.currentId()).isEqualTo("2026-05");
        assertThat(keys.find("2026-05").orElseThrow().getEncoded()).isEqualTo(OCTETS);
        assertThat(keys.find("old.key_1").orElseThrow().getEncoded()).isEqualTo(new byte[32]);
        assertThat(keys.find("another")).isEmpty();
        assertThat(keys.toString()).doesNotContain(HEX).doesNotContain(base64).contains("2026-05");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw----r--", "rwx------", "rw--w----"})
    void fileThatOthersMayUseIsRefused(String mode) throws Exception {
        Path file = file("a " + HEX, mode);

        assertThatThrownBy(() -> KeyFile.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("key file " + file + ": mode " + mode)
                .hasMessageContaining("chmod 600");
    }

    @ParameterizedTest
    @CsvSource({
        "'# none', ': no key (expected'",
        "'a', ', line 1: no key (expected'",
        "'#\na 0123', ', line 2: no key (expected'",
        "'a/b HEX', ', line 1: no key (expected'",
        "'a HEXab', ', line 1: no key (expected'",
        "'a HEX\na HEX', ', line 2: id a a second time'"
    })
    void lineThatIsNoKeyIsToldAndNotShown(String text, String message) throws Exception {
        Path file = file(text.replace("\\n", "\n").replace("HEX", HEX), "rw-------");

        assertThatThrownBy(() -> KeyFile.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("key file " + file + message)
                .satisfies(e -> assertThat(e.toString() + e.getCause()).doesNotContain("0123"));
    }

    @Test
    void whatIsNoKeyFileIsTold() throws Exception {
        Path missing = temporary.resolve("missing");
        assertThatThrownBy(() -> KeyFile.read(missing))
                .hasMessage("key file " + missing + ": no such file or directory");
        Path large = file("#".repeat(KeyFile.MAX_BYTES + 1), "rw-------");
        assertThatThrownBy(() -> KeyFile.read(large)).hasMessageEndingWith("(expected: at most 65536)");
    }
}
