package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the documents show is what is compiled and read here. */
class DocSnippetsTest {

    private static final Path ROOT = Path.of("..");

    @TempDir
    Path folder;

    private static String block(Path document, String language) throws IOException {
        Matcher matcher =
                Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(document));
        assertThat(matcher.find()).as("a block of %s in %s", language, document).isTrue();
        return matcher.group(1);
    }

    @Test
    void theReadmeShowsQuickStart() throws IOException {
        String source = Files.readString(Path.of("src/main/java/org/backupmx/examples/QuickStart.java"));
        assertThat(block(ROOT.resolve("README.md"), "java"))
                .isEqualTo(source.substring("package org.backupmx.examples;\n\n".length()));
    }

    @Test
    void theOrderForManyMessagesIsCompiled() throws IOException {
        String source = Files.readString(Path.of("src/main/java/org/backupmx/examples/HoldOldMail.java"));
        assertThat(source).contains(block(ROOT.resolve("docs/queue.md"), "java").indent(8));
    }

    @Test
    void theConfigurationShownIsRead() throws Exception {
        Path file =
                Files.writeString(folder.resolve("server.yaml"), block(ROOT.resolve("docs/configuration.md"), "yaml"));
        assertThat(ServerConfig.read(file).domains()).hasSize(2);
    }
}
