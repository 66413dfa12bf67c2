package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All that is exported is told of, to the last parameter. */
class ApiCommentsTest {

    private static final Pattern EXPORTS = Pattern.compile("exports ([\\w.]+);");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "backupmx-spool-api",
                "backupmx-core",
                "backupmx-smtp",
                "backupmx-spool-file",
                "backupmx-spool-jdbc"
            })
    void nothingIsMissing(String module) throws IOException {
        Path root = Path.of("..", module, "src", "main", "java");
        List<String> exported = EXPORTS.matcher(Files.readString(root.resolve("module-info.java")))
                .results()
                .map(MatchResult::group)
                .map(line -> line.substring("exports ".length(), line.length() - 1))
                .toList();
        assertThat(exported).isNotEmpty();
        List<Path> sources = new ArrayList<>();
        for (String name : exported) {
            Path folder = root.resolve(name.replace('.', '/'));
            assertThat(folder.resolve("package-info.java")).content().contains("/**");
            try (Stream<Path> files = Files.list(folder)) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
            }
        }
        try (StandardJavaFileManager files =
                ToolProvider.getSystemJavaCompiler().getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            assertThat(ApiComments.missing(files.getJavaFileObjectsFromPaths(sources)))
                    .isEmpty();
        }
    }

    private static List<String> missing(String source) throws IOException {
        JavaFileObject file = new SimpleJavaFileObject(URI.create("string:///A.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreErrors) {
                return source;
            }
        };
        return ApiComments.missing(List.of(file));
    }

    @Test
    void findsEverythingThatIsMissing() throws IOException {
        assertThat(missing("""
                        public class A {
                            public static final int ONE = 1;
                            protected A(int a) {}
                            /** Does. */
                            public <T> int does(int a) throws java.io.IOException { return 0; }
                            public enum E { X }
                            /** Is. */
                            public interface I { void m(); }
                            /** Is. */
                            public record R(int part) { public R { } }
                            /** Is made by nobody knows whom. */
                            public static class Made {}
                        }
                        """))
                .containsExactly(
                        "A.java:1: a comment at type A",
                        "A.java:2: a comment at field ONE",
                        "A.java:3: a comment at constructor",
                        "A.java:5: @param a of method does",
                        "A.java:5: @param T of method does",
                        "A.java:5: @return of method does",
                        "A.java:5: @throws java.io.IOException of method does",
                        "A.java:6: a comment at type E",
                        "A.java:6: a comment at field X",
                        "A.java:8: a comment at method m",
                        "A.java:10: @param part of type R",
                        "A.java:10: a comment at constructor",
                        "A.java:12: a constructor with a comment in type Made");
    }

    @Test
    void asksForNothingThatNobodyReads() throws IOException {
        assertThat(missing("""
                        /**
                         * Is.
                         *
                         * @param part a part
                         */
                        public record A(int part) implements Runnable {
                            private static final int ONE = 1;
                            /** Checks the part. */
                            public A { }
                            @Override
                            public void run() {}
                            void own() {}
                            /** {@return twice} */
                            public int twice() { return 2 * part; }
                            static class Own { public int shown() { return 1; } }
                        }
                        """)).isEmpty();
    }
}
