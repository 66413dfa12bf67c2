package org.backupmx.examples;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/** One node of a YAML file, read strictly: every fault names file, line, key, value and what was expected. */
final class ConfigNode {

    private static final long MAX_FILE_BYTES = 16 << 20;

    private final Path file;
    private final String key;
    private final Node node;
    private final int line;

    private ConfigNode(Path file, String key, Node node, Node lineOf) {
        this.file = file;
        this.key = key;
        this.node = node;
        this.line = lineOf.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
    }

    static ConfigNode read(Path file) throws ConfigException {
        LoadSettings settings = LoadSettings.builder()
                .setLabel(file.toString())
                .setMaxAliasesForCollections(10)
                .build();
        try {
            if (Files.isDirectory(file)) {
                throw new ConfigException(file + ": is a directory (expected: a YAML file)");
            }
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw new ConfigException(
                        file + ": " + Files.size(file) + " bytes (expected: at most " + MAX_FILE_BYTES + ")");
            }
            try (Reader reader = Files.newBufferedReader(file)) {
                Node root = new Compose(settings)
                        .composeReader(reader)
                        .orElseThrow(() -> new ConfigException(file + ":1: the file is empty (expected: keys such as"
                                + " hostname, listen, spool, domains)"));
                return new ConfigNode(file, "", root, root);
            }
        } catch (NoSuchFileException e) {
            throw new ConfigException(file + ": no such file (expected: a YAML file)");
        } catch (MalformedInputException e) {
            throw new ConfigException(file + ": not UTF-8 (expected: a YAML file)");
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            throw new ConfigException(file + ":" + line + ": not YAML: " + oneLine(e.getProblem()));
        } catch (YamlEngineException e) {
            throw new ConfigException(file + ": not YAML: " + oneLine(String.valueOf(e.getMessage())));
        }
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s+", " ").trim();
    }

    /** This node as a map whose keys are all among {@code known}. */
    Map<String, ConfigNode> map(Set<String> known) throws ConfigException {
        Map<String, ConfigNode> children = map();
        for (ConfigNode child : children.values()) {
            String name = child.key.substring(key.isEmpty() ? 0 : key.length() + 1);
            if (!known.contains(name)) {
                throw child.fault(
                        "unknown key", String.join(", ", known.stream().sorted().toList()));
            }
        }
        return children;
    }

    /** This node as a map with keys of any name. */
    Map<String, ConfigNode> map() throws ConfigException {
        if (!(node instanceof MappingNode mapping)) {
            throw fault(shown(), "keys with values");
        }
        Map<String, ConfigNode> children = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode name)) {
                throw fault(shown(), "keys that are plain words");
            }
            String path = key.isEmpty() ? name.getValue() : key + "." + name.getValue();
            ConfigNode child = new ConfigNode(file, path, tuple.getValueNode(), name);
            if (children.put(name.getValue(), child) != null) {
                throw child.fault("given twice", "each key once");
            }
        }
        return children;
    }

    /** This node as a list. */
    List<ConfigNode> list() throws ConfigException {
        if (!(node instanceof SequenceNode sequence)) {
            throw fault(shown(), "a list");
        }
        List<ConfigNode> items = new ArrayList<>();
        for (Node item : sequence.getValue()) {
            items.add(new ConfigNode(file, key + "[" + items.size() + "]", item, item));
        }
        return items;
    }

    boolean isList() {
        return node instanceof SequenceNode;
    }

    boolean isMap() {
        return node instanceof MappingNode;
    }

    boolean isEmpty() {
        return node instanceof ScalarNode scalar && scalar.getValue().isEmpty();
    }

    /** This node as a value. {@code parse} refuses by {@link IllegalArgumentException}. */
    <T> T value(String expected, Function<String, T> parse) throws ConfigException {
        if (!(node instanceof ScalarNode scalar) || scalar.getValue().isEmpty()) {
            throw fault(shown(), expected);
        }
        try {
            return parse.apply(scalar.getValue());
        } catch (IllegalArgumentException e) {
            throw fault(shown(), expected);
        }
    }

    /** This node as a whole number in a range. */
    int number(int least, int most) throws ConfigException {
        return value("a whole number from " + least + " to " + most, text -> {
            int number = Integer.parseInt(text);
            if (number < least || number > most) {
                throw new IllegalArgumentException(text);
            }
            return number;
        });
    }

    ConfigException fault(String found, String expected) {
        return fault(found + " (expected: " + expected + ")");
    }

    ConfigException fault(String what) {
        return new ConfigException(file + ":" + line + ": " + (key.isEmpty() ? "" : key + ": ") + what);
    }

    /** The fault of a key that is not there. */
    ConfigException missing(String child, String expected) {
        return new ConfigException(file + ":" + line + ": " + (key.isEmpty() ? "" : key + ".") + child
                + ": missing (expected: " + expected + ")");
    }

    String shown() {
        if (node instanceof ScalarNode scalar) {
            String text = oneLine(scalar.getValue().replaceAll("\\p{Cntrl}", " "));
            return '"' + (text.length() > 80 ? text.substring(0, 80) + "…" : text) + '"';
        }
        return node instanceof SequenceNode ? "a list" : "keys";
    }

    static Optional<ConfigNode> find(Map<String, ConfigNode> map, String key) {
        return Optional.ofNullable(map.get(key));
    }
}
