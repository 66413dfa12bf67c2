package org.backupmx.examples;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** Which messages a command means. */
final class QueueFilterOptions {

    @Parameters(
            arity = "0..*",
            paramLabel = "ID",
            description = "Messages by their id, 100 at most; or the options below.")
    private List<String> ids = new ArrayList<>();

    @Option(names = "--domain", paramLabel = "DOMAIN", description = "That wait for this destination domain.")
    private @Nullable String domain;

    @Option(names = "--recipient", paramLabel = "MAILBOX", description = "That wait for this recipient.")
    private @Nullable String recipient;

    @Option(names = "--reverse-path", paramLabel = "MAILBOX", description = "Of this reverse-path; <> for null.")
    private @Nullable String reversePath;

    @Option(names = "--older-than", paramLabel = "SPAN", description = "Received that long ago or longer: 30m, 2h, 3d.")
    private @Nullable String olderThan;

    @Option(names = "--larger-than", paramLabel = "SIZE", description = "Larger than 500kB, 60MB.")
    private @Nullable String largerThan;

    @Option(names = "--reply", paramLabel = "TEXT", description = "Whose last attempt got a reply that contains this.")
    private @Nullable String reply;

    @Option(
            names = "--in",
            paramLabel = "AREA",
            split = ",",
            description = "That stand there: delivery, held, expired, dead-letter, recycled; several with commas.")
    private List<String> in = new ArrayList<>();

    @Option(names = "--all", description = "All messages.")
    private boolean all;

    /** The words of a request; none of them selects if nothing was said. */
    List<String> words(CommandSpec spec, Instant now) {
        List<String> words = new ArrayList<>();
        if (!ids.isEmpty()) {
            words.add(QueueWords.word("id", ids.stream().distinct().collect(Collectors.joining(","))));
        }
        add(words, "domain", domain);
        add(words, "recipient", recipient);
        add(words, "reverse-path", reversePath);
        if (olderThan != null) {
            words.add(QueueWords.word("before", before(spec, olderThan, now)));
        }
        if (largerThan != null) {
            words.add(QueueWords.word("larger", larger(spec, largerThan)));
        }
        add(words, "reply", reply);
        if (!ids.isEmpty() && words.size() > 1 || all && !words.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "either ids, or options, or --all");
        }
        if (ids.size() > 100) {
            throw new ParameterException(spec.commandLine(), ids.size() + " ids are more than 100");
        }
        if (!in.isEmpty()) {
            words.add(QueueWords.word("in", String.join(",", in)));
        }
        return words;
    }

    /** The same for what changes messages: nothing said is not everything meant. */
    List<String> chosen(CommandSpec spec, Instant now) {
        List<String> words = words(spec, now);
        if (words.isEmpty() && !all) {
            throw new ParameterException(spec.commandLine(), "no messages chosen: ids, options or --all");
        }
        return words;
    }

    private static void add(List<String> words, String name, @Nullable String value) {
        if (value != null) {
            words.add(QueueWords.word(name, value));
        }
    }

    private static String before(CommandSpec spec, String span, Instant now) {
        try {
            Duration age = Units.duration(span);
            return now.minus(age).toString();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--older-than: \"" + span + "\" is not " + Units.DURATION);
        }
    }

    private static String larger(CommandSpec spec, String size) {
        try {
            return Long.toString(Units.bytes(size));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--larger-than: \"" + size + "\" is not " + Units.SIZE);
        }
    }
}
