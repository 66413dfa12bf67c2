package org.backupmx.spool.transfer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The members of a JSON object, each taken by name once; what is missing, of another kind or left over is refused. */
final class JsonObject {

    private final Map<String, @Nullable Object> members;

    private JsonObject(Map<String, @Nullable Object> members) {
        this.members = members;
    }

    static JsonObject of(@Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new IllegalArgumentException("no JSON object (expected: one)");
        }
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        map.forEach((name, member) -> members.put(String.valueOf(name), member));
        return new JsonObject(members);
    }

    private <T> Optional<T> optional(String name, Class<T> type, String expected) {
        Object value = members.remove(name);
        if (value != null && !type.isInstance(value)) {
            throw new IllegalArgumentException(name + ": of another kind (expected: " + expected + ")");
        }
        return Optional.ofNullable(value).map(type::cast);
    }

    private static IllegalArgumentException missing(String name) {
        return new IllegalArgumentException(name + ": missing");
    }

    Optional<String> optionalText(String name) {
        return optional(name, String.class, "a string");
    }

    String text(String name) {
        return optionalText(name).orElseThrow(() -> missing(name));
    }

    Optional<Long> optionalNumber(String name) {
        return optional(name, Long.class, "an integer");
    }

    long number(String name) {
        return optionalNumber(name).orElseThrow(() -> missing(name));
    }

    Optional<Boolean> optionalFlag(String name) {
        return optional(name, Boolean.class, "true or false");
    }

    boolean flag(String name) {
        return optional(name, Boolean.class, "true or false").orElseThrow(() -> missing(name));
    }

    /** Returns the strings of an array, none if the member is not there. */
    List<String> texts(String name) {
        List<String> texts = new ArrayList<>();
        for (Object one : optional(name, List.class, "an array").orElse(List.of())) {
            if (!(one instanceof String text)) {
                throw new IllegalArgumentException(name + ": of another kind (expected: an array of strings)");
            }
            texts.add(text);
        }
        return texts;
    }

    List<JsonObject> objects(String name) {
        List<JsonObject> objects = new ArrayList<>();
        for (Object one : optional(name, List.class, "an array").orElseThrow(() -> missing(name))) {
            objects.add(of(one));
        }
        return objects;
    }

    /** Says that no other member may be there. */
    void end() {
        if (!members.isEmpty()) {
            throw new IllegalArgumentException(
                    members.keySet().iterator().next() + ": unknown (expected: what docs/spool-tools.md names)");
        }
    }
}
