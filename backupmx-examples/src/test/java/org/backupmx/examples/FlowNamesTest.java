package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Classes and methods that docs/flow.md names are there. */
class FlowNamesTest {

    private static final Pattern NAME = Pattern.compile("`([A-Z][a-z]\\w*)(?:\\.([a-z]\\w*))?`");

    /** The sources of all modules by the name of their type. */
    private static Map<String, String> sources() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            return files.filter(file -> file.toString().contains("/src/main/java/"))
                    .filter(file -> file.toString().endsWith(".java"))
                    .collect(Collectors.toMap(
                            file -> file.getFileName().toString().replace(".java", ""),
                            FlowNamesTest::read,
                            (one, other) -> one + other));
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(file.toString(), e);
        }
    }

    /** Names in {@code text} that no source has. */
    private static Set<String> unknown(String text, Map<String, String> sources) {
        return NAME.matcher(text)
                .results()
                .filter(name -> !isKnown(name, sources))
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static boolean isKnown(MatchResult name, Map<String, String> sources) {
        String source = sources.get(name.group(1));
        return source != null && (name.group(2) == null || source.contains(" " + name.group(2) + "("));
    }

    @Test
    void everyNameIsThere() throws IOException {
        String flow = Files.readString(Path.of("..", "docs", "flow.md"));
        assertThat(NAME.matcher(flow).results().count()).isGreaterThan(50);
        assertThat(unknown(flow, sources())).isEmpty();
    }

    @Test
    void aNameThatIsNotThereIsFound() throws IOException {
        assertThat(unknown("`Spool.lease`, `Spool.rent`, `Spool`, `Pool`, `DATA`", sources()))
                .containsExactly("`Pool`", "`Spool.rent`");
    }
}
