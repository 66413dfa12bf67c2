package org.backupmx.spool;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.backupmx.spool.testkit.DeletableSpoolContract;
import org.backupmx.spool.testkit.FindableSpoolContract;
import org.backupmx.spool.testkit.HoldableSpoolContract;
import org.backupmx.spool.testkit.OrderedSpoolContract;
import org.backupmx.spool.testkit.RecipientReadableSpoolContract;
import org.backupmx.spool.testkit.ReschedulableSpoolContract;
import org.backupmx.spool.testkit.ResettableSpoolContract;
import org.backupmx.spool.testkit.SpoolContract;
import org.junit.jupiter.api.Test;

/** Compares the numbers of docs/spool-spi.md with those of the kit's tests. */
class SpoolRulesTest {

    private static final Pattern RULE = Pattern.compile("^- \\*\\*([SO]\\d+\\.\\d+)\\*\\*", Pattern.MULTILINE);
    private static final Pattern TEST = Pattern.compile("([so]\\d+)_(\\d+)_.*");

    /** Rules that no test can hold a spool to; S2.2 is tested as S7.8. */
    private static final List<String> UNTESTED = List.of("S2.2", "S2.10", "S2.11");

    @Test
    void everyRuleHasATestAndEveryTestARule() throws Exception {
        Matcher rule = RULE.matcher(Files.readString(Path.of("..", "docs", "spool-spi.md")));
        TreeSet<String> rules = new TreeSet<>();
        while (rule.find()) {
            assertThat(rules.add(rule.group(1)))
                    .as(rule.group(1) + " stands once")
                    .isTrue();
        }
        TreeSet<String> tests = new TreeSet<>(UNTESTED);
        Stream.of(
                        SpoolContract.class,
                        FindableSpoolContract.class,
                        HoldableSpoolContract.class,
                        DeletableSpoolContract.class,
                        ReschedulableSpoolContract.class,
                        RecipientReadableSpoolContract.class,
                        ResettableSpoolContract.class,
                        OrderedSpoolContract.class)
                .flatMap(contract -> Stream.of(contract.getMethods()))
                .filter(method -> method.isAnnotationPresent(Test.class))
                .map(SpoolRulesTest::number)
                .forEach(number -> assertThat(tests.add(number))
                        .as(number + " is tested once")
                        .isTrue());

        assertThat(tests).isEqualTo(rules).hasSizeGreaterThan(90);
    }

    private static String number(Method test) {
        Matcher name = TEST.matcher(test.getName());
        assertThat(name.matches()).as(test.getName()).isTrue();
        return name.group(1).toUpperCase(Locale.ROOT) + "." + name.group(2);
    }
}
