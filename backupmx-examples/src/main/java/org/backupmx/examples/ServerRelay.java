package org.backupmx.examples;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backupmx.intake.IpNetwork;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.TlsFiles;
import org.jspecify.annotations.Nullable;

/** How the reference server presents itself to primaries: {@code relay} of its configuration, for all or for a domain. */
final class ServerRelay {

    private static final Set<String> KEYS = Set.of(
            "tls",
            "tls-names",
            "tls-authorities",
            "tls-fingerprints",
            "user",
            "password-file",
            "password-env",
            "certificate",
            "key",
            "source",
            "helo");

    private static final String HOST_NAME = "a host name, for example mail.example.org";

    private ServerRelay() {}

    /** Reads {@code relay}, null if the file has none; what it does not say is as before. */
    static RelaySettings of(@Nullable ConfigNode node, RelaySettings before) throws ConfigException {
        if (node == null) {
            return before;
        }
        Map<String, ConfigNode> map = node.map(KEYS);
        RelaySettings settings = credentials(map, tls(node, map, before));
        settings = certificate(node, map, settings);
        if (map.containsKey("source")) {
            for (ConfigNode item : items(map.get("source"))) {
                settings = settings.withSourceAddress(item.value("an address of this machine", ServerRelay::source));
            }
        }
        return map.containsKey("helo") ? map.get("helo").value(HOST_NAME, settings::withHeloName) : settings;
    }

    // ---- TLS

    private static RelaySettings tls(ConfigNode node, Map<String, ConfigNode> map, RelaySettings before)
            throws ConfigException {
        if (!map.containsKey("tls")) {
            for (String key : List.of("tls-names", "tls-authorities", "tls-fingerprints")) {
                if (map.containsKey(key)) {
                    throw map.get(key).fault("without tls", "tls beside it");
                }
            }
            return before;
        }
        String name = map.get("tls").value("none, may, encrypt, verify or fingerprint", ServerRelay::policy);
        goesWith(map, "tls-names", name, "verify");
        goesWith(map, "tls-authorities", name, "verify");
        goesWith(map, "tls-fingerprints", name, "fingerprint");
        return before.withTls(
                switch (name) {
                    case "none" -> TlsPolicy.none();
                    case "may" -> TlsPolicy.may();
                    case "encrypt" -> TlsPolicy.encrypt();
                    case "verify" -> verify(map);
                    default -> fingerprint(node, map);
                });
    }

    private static String policy(String text) {
        if (!Set.of("none", "may", "encrypt", "verify", "fingerprint").contains(text)) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }

    private static void goesWith(Map<String, ConfigNode> map, String key, String policy, String wanted)
            throws ConfigException {
        if (map.containsKey(key) && !policy.equals(wanted)) {
            throw map.get(key).fault("tls is " + policy, "tls: " + wanted);
        }
    }

    private static TlsPolicy verify(Map<String, ConfigNode> map) throws ConfigException {
        TlsPolicy.Verify policy = TlsPolicy.verify();
        if (map.containsKey("tls-names")) {
            List<String> names = new ArrayList<>();
            for (ConfigNode item : items(map.get("tls-names"))) {
                names.add(item.value(HOST_NAME, text -> {
                    TlsPolicy.verify().withNames(text);
                    return text;
                }));
            }
            policy = policy.withNames(names.toArray(String[]::new));
        }
        if (map.containsKey("tls-authorities")) {
            ConfigNode file = map.get("tls-authorities");
            try {
                policy = policy.withAuthorities(TlsFiles.authorities(file.value("a PEM file", Path::of)));
            } catch (IOException e) {
                throw file.fault(String.valueOf(e.getMessage()));
            }
        }
        return policy;
    }

    private static TlsPolicy fingerprint(ConfigNode node, Map<String, ConfigNode> map) throws ConfigException {
        ConfigNode list = ServerConfig.required(
                node, map, "tls-fingerprints", "the SHA-256 of the primary's certificate, or a list of them");
        List<String> digests = new ArrayList<>();
        for (ConfigNode item : items(list)) {
            digests.add(item.value("64 hexadecimal digits, colons between pairs or not", text -> {
                TlsPolicy.fingerprint(text);
                return text;
            }));
        }
        return TlsPolicy.fingerprint(digests.toArray(String[]::new));
    }

    // ---- who we are

    private static RelaySettings credentials(Map<String, ConfigNode> map, RelaySettings before) throws ConfigException {
        ConfigNode file = map.get("password-file");
        ConfigNode env = map.get("password-env");
        ConfigNode user = map.get("user");
        ConfigNode password = file == null ? env : file;
        if (file != null && env != null) {
            throw env.fault("beside password-file", "one of the two");
        }
        if (password == null) {
            if (user != null) {
                throw user.fault("without a password", "password-file or password-env beside it");
            }
            return before;
        }
        if (user == null) {
            throw password.fault("without user", "user beside it");
        }
        char[] secret = file == null ? fromEnvironment(password) : fromFile(password);
        try {
            return before.withCredentials(user.value("a user name", name -> RelayCredentials.of(name, secret)));
        } finally {
            Arrays.fill(secret, '\0');
        }
    }

    private static char[] fromEnvironment(ConfigNode node) throws ConfigException {
        return node.value("the name of an environment variable that holds a password", name -> {
            String value = System.getenv(name);
            if (value == null || !isPassword(value)) {
                throw new IllegalArgumentException(name);
            }
            return value.toCharArray();
        });
    }

    /** Reads the first line of a file that nobody else may read. */
    private static char[] fromFile(ConfigNode node) throws ConfigException {
        Path file = node.value("a file with a password", Path::of);
        byte[] octets = {};
        try {
            Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
            if (mode.contains(PosixFilePermission.GROUP_READ) || mode.contains(PosixFilePermission.OTHERS_READ)) {
                throw node.fault(file + " has mode " + PosixFilePermissions.toString(mode), "mode 0600 or 0400");
            }
            octets = Files.readAllBytes(file);
            CharBuffer text = StandardCharsets.UTF_8.decode(ByteBuffer.wrap(octets));
            int end = 0;
            while (end < text.length() && text.get(end) != '\n' && text.get(end) != '\r') {
                end++;
            }
            CharBuffer line = text.subSequence(0, end);
            if (!isPassword(line)) {
                throw node.fault(
                        file + " does not begin with one",
                        "a password of 1 to " + RelayCredentials.MAX_CHARS + " characters in the first line");
            }
            char[] secret = new char[end];
            line.get(secret);
            Arrays.fill(text.array(), '\0');
            return secret;
        } catch (IOException | UnsupportedOperationException e) {
            throw node.fault(file + " cannot be read", "a file with a password in its first line");
        } finally {
            Arrays.fill(octets, (byte) 0);
        }
    }

    private static boolean isPassword(CharSequence text) {
        return text.length() > 0
                && text.length() <= RelayCredentials.MAX_CHARS
                && text.chars().noneMatch(Character::isISOControl);
    }

    private static RelaySettings certificate(ConfigNode node, Map<String, ConfigNode> map, RelaySettings before)
            throws ConfigException {
        if (!map.containsKey("certificate") && !map.containsKey("key")) {
            return before;
        }
        ConfigNode certificate = ServerConfig.required(node, map, "certificate", "a PEM file");
        ConfigNode key = ServerConfig.required(node, map, "key", "a PEM file");
        try {
            return before.withClientCertificate(TlsFiles.clientCertificate(
                    certificate.value("a PEM file", Path::of), key.value("a PEM file", Path::of)));
        } catch (IOException e) {
            throw certificate.fault(String.valueOf(e.getMessage()));
        }
    }

    private static InetAddress source(String text) {
        if (text.contains("/")) {
            throw new IllegalArgumentException(text);
        }
        InetAddress address = IpNetwork.of(text).first(); // a name would ask the DNS
        RelaySettings.defaults().withSourceAddress(address);
        return address;
    }

    private static List<ConfigNode> items(ConfigNode node) throws ConfigException {
        List<ConfigNode> items = node.isList() ? node.list() : List.of(node);
        if (items.isEmpty()) {
            throw node.fault("empty", "at least one");
        }
        return items;
    }
}
