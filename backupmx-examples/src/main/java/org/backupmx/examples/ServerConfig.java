package org.backupmx.examples;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.NextHop;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.StartTls;
import org.backupmx.smtp.Transport;
import org.backupmx.spool.file.KeyFile;
import org.jspecify.annotations.Nullable;

/** The reference server's configuration, as its YAML file says it. */
record ServerConfig(
        String hostname,
        List<SmtpListener> listen,
        Transport transport,
        String spool,
        Optional<Path> spoolKeyFile,
        Map<MailDomain, Domain> domains,
        List<IpNetwork> byDestination,
        Map<MailDomain, List<NextHop>> routes,
        Probe probe,
        RetryPolicy retry,
        Duration lifetime,
        ServerLimits limits,
        Optional<Tls> tls,
        Optional<Duration> greylistDelay,
        Optional<Mailbox> postmaster,
        List<InetSocketAddress> resolvers,
        boolean allowPrivateNextHops,
        boolean allowRoutedLocalParts) {

    private static final Set<String> KEYS = Set.of(
            "hostname",
            "listen",
            "transport",
            "spool",
            "spool-key-file",
            "domains",
            "by-destination",
            "routes",
            "probe",
            "retry",
            "lifetime",
            "limits",
            "tls",
            "greylist",
            "postmaster",
            "resolvers",
            "allow-private-next-hops",
            "allow-routed-local-parts");

    private static final String ADDRESS_AND_PORT = "address:port, for example 0.0.0.0:25 or [::]:25";
    private static final String NEXT_HOP = "host, host:port, [address] or [address]:port, or a list of them";

    /**
     * One relay domain: its fixed next hops, empty for «by MX», its recipients, absent for «any», whether its mail must come
     * by TLS, and its size limit, absent for that of all.
     */
    record Domain(
            List<NextHop> primary, Optional<Set<Mailbox>> recipients, boolean requiresTls, OptionalLong messageBytes) {

        static final Domain DEFAULT = new Domain(List.of(), Optional.empty(), false, OptionalLong.empty());
    }

    /** How often a primary is probed in either state, and how many answers turn it. */
    record Probe(Duration up, Duration down, int rise, int fall) {}

    /** Certificates and keys in PEM form, the default first. */
    record Tls(List<Pair> certificates) {

        /** The files of one certificate. */
        record Pair(Path certificate, Path key) {}

        StartTls startTls() {
            Pair first = certificates.get(0);
            StartTls startTls = StartTls.pem(first.certificate(), first.key());
            for (Pair further : certificates.subList(1, certificates.size())) {
                startTls = startTls.withCertificate(further.certificate(), further.key());
            }
            return startTls;
        }
    }

    /** Reads a file. Relative paths in it are relative to the working directory. */
    static ServerConfig read(Path file) throws ConfigException {
        ConfigNode root = ConfigNode.read(file);
        Map<String, ConfigNode> map = root.map(KEYS);
        ServerLimits limits = ServerLimits.of(map.get("limits"));
        List<IpNetwork> byDestination = byDestination(map.get("by-destination"));
        if (!byDestination.isEmpty() && !map.containsKey("domains")) {
            required(root, map, "postmaster", "an address, as there is no domain for it");
        }
        Map<MailDomain, Domain> domains = map.containsKey("domains") || byDestination.isEmpty()
                ? domains(
                        required(root, map, "domains", "the domains we are backup MX for"),
                        limits,
                        map.containsKey("tls"))
                : Map.of();
        return new ServerConfig(
                required(root, map, "hostname", "our host name, for example mx2.example.net")
                        .value("a host name, for example mx2.example.net", ServerConfig::hostname),
                listen(required(root, map, "listen", "a list such as [0.0.0.0:25]")),
                map.containsKey("transport")
                        ? map.get("transport").value("auto, nio, epoll or io_uring", ServerConfig::transport)
                        : Transport.AUTO,
                spool(required(root, map, "spool", "a directory, or a jdbc: URL")),
                spoolKeyFile(map.get("spool-key-file"), required(root, map, "spool", "a directory, or a jdbc: URL")),
                domains,
                byDestination,
                routes(map.get("routes"), domains),
                probe(map.get("probe")),
                retry(map.get("retry")),
                map.containsKey("lifetime")
                        ? map.get("lifetime").value(Units.DURATION, Units::duration)
                        : Duration.ofDays(14),
                limits,
                tls(map.get("tls")),
                greylist(map.get("greylist")),
                postmaster(map.get("postmaster")),
                resolvers(map.get("resolvers")),
                flag(map.get("allow-private-next-hops"), false),
                flag(map.get("allow-routed-local-parts"), false));
    }

    private static ConfigNode required(ConfigNode parent, Map<String, ConfigNode> map, String key, String expected)
            throws ConfigException {
        ConfigNode node = map.get(key);
        if (node == null) {
            throw parent.missing(key, expected);
        }
        return node;
    }

    private static String hostname(String text) {
        MailDomain domain = MailDomain.of(text);
        if (domain.isAddressLiteral()) {
            throw new IllegalArgumentException(text);
        }
        return domain.toString();
    }

    private static String spool(ConfigNode node) throws ConfigException {
        String location = node.value(
                "a directory, or a jdbc: URL",
                text -> text.startsWith("jdbc:") ? text : Path.of(text).toString());
        if (location.startsWith("jdbc:")) {
            try {
                DriverManager.getDriver(location);
            } catch (SQLException e) {
                // not the whole of it, there may be a password in it
                String kind = location.substring(0, location.indexOf(':', 5) + 1);
                throw node.fault("no database behind \"" + kind + "…\"", "jdbc:h2:… or jdbc:postgresql://…");
            }
        }
        return location;
    }

    private static Optional<Path> spoolKeyFile(@Nullable ConfigNode node, ConfigNode spool) throws ConfigException {
        if (node == null) {
            return Optional.empty();
        }
        Path file = node.value("a key file, mode 0600", Path::of);
        if (spool(spool).startsWith("jdbc:")) {
            throw node.fault("the spool is a database", "a directory as spool: a database encrypts for itself");
        }
        try {
            KeyFile.read(file);
        } catch (IOException e) {
            throw node.fault(String.valueOf(e.getMessage()));
        }
        return Optional.of(file);
    }

    private static boolean flag(@Nullable ConfigNode node, boolean absent) throws ConfigException {
        return node == null ? absent : node.value("true or false", ServerConfig::flag);
    }

    private static Transport transport(String text) {
        return switch (text) {
            case "auto" -> Transport.AUTO;
            case "nio" -> Transport.NIO;
            case "epoll" -> Transport.EPOLL;
            case "io_uring" -> Transport.IO_URING;
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static boolean flag(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static List<SmtpListener> listen(ConfigNode node) throws ConfigException {
        List<SmtpListener> listeners = new ArrayList<>();
        for (ConfigNode item : node.isList() ? node.list() : List.of(node)) {
            listeners.add(item.isMap() ? listener(item) : SmtpListener.at(listenAddress(item)));
        }
        if (listeners.isEmpty()) {
            throw node.fault("empty", "at least one address:port");
        }
        return List.copyOf(listeners);
    }

    private static SmtpListener listener(ConfigNode node) throws ConfigException {
        Map<String, ConfigNode> map = node.map(Set.of("address", "proxy-from", "xclient-from", "accepts-mail"));
        return SmtpListener.at(listenAddress(required(node, map, "address", ADDRESS_AND_PORT)))
                .proxyNetworks(networks(map.get("proxy-from")))
                .xclientNetworks(networks(map.get("xclient-from")))
                .acceptsMail(flag(map.get("accepts-mail"), true));
    }

    private static InetSocketAddress listenAddress(ConfigNode node) throws ConfigException {
        return node.value(ADDRESS_AND_PORT, text -> address(text, -1));
    }

    private static IpNetwork[] networks(@Nullable ConfigNode node) throws ConfigException {
        List<IpNetwork> networks = new ArrayList<>();
        if (node != null) {
            for (ConfigNode item : node.isList() ? node.list() : List.of(node)) {
                networks.add(item.value("a network such as 192.0.2.0/24 or 2001:db8::/32", IpNetwork::of));
            }
        }
        return networks.toArray(new IpNetwork[0]);
    }

    /** An address that is written as numbers: a name would need DNS before there is anything to serve. */
    private static InetSocketAddress address(String text, int defaultPort) {
        String host = text;
        int port = defaultPort;
        int colon = text.lastIndexOf(':');
        boolean bareV6 = text.indexOf(':') != colon && !text.startsWith("[");
        if (colon > text.lastIndexOf(']') && !bareV6) {
            host = text.substring(0, colon);
            port = Integer.parseInt(text.substring(colon + 1));
        }
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        if (port < 0 || port > 65535 || !host.matches("\\d{1,3}(\\.\\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")) {
            throw new IllegalArgumentException(text);
        }
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private static List<IpNetwork> byDestination(@Nullable ConfigNode node) throws ConfigException {
        List<IpNetwork> networks = new ArrayList<>();
        if (node != null) {
            for (ConfigNode item : node.isList() ? node.list() : List.of(node)) {
                networks.add(item.value("a network such as 192.0.2.0/24 or 2001:db8::/32", IpNetwork::of));
            }
            if (networks.isEmpty()) {
                throw node.fault("empty", "at least one network");
            }
        }
        return List.copyOf(networks);
    }

    private static Map<MailDomain, Domain> domains(ConfigNode node, ServerLimits limits, boolean offersTls)
            throws ConfigException {
        Map<MailDomain, Domain> domains = new LinkedHashMap<>();
        for (Map.Entry<String, ConfigNode> entry : node.map().entrySet()) {
            ConfigNode child = entry.getValue();
            MailDomain name = domainName(child, entry.getKey());
            Domain domain = child.isEmpty() ? Domain.DEFAULT : domain(child, limits, offersTls);
            if (domains.put(name, domain) != null) {
                throw child.fault("given twice", "each domain once");
            }
        }
        if (domains.isEmpty()) {
            throw node.fault("empty", "at least one domain");
        }
        return domains;
    }

    private static MailDomain domainName(ConfigNode node, String text) throws ConfigException {
        try {
            MailDomain domain = MailDomain.of(text);
            if (!domain.isAddressLiteral()) {
                return domain;
            }
        } catch (IllegalArgumentException e) {
            // told below, like the literal
        }
        throw node.fault("not a domain", "a domain such as example.org");
    }

    private static Domain domain(ConfigNode node, ServerLimits limits, boolean offersTls) throws ConfigException {
        Map<String, ConfigNode> map = node.map(Set.of("primary", "mode", "recipients", "tls", "message-size"));
        if (map.containsKey("mode")) {
            map.get("mode").value("always (monitoring is not there yet, see docs/known-limits.md)", text -> {
                if (!text.equals("always")) {
                    throw new IllegalArgumentException(text);
                }
                return text;
            });
        }
        Optional<Set<Mailbox>> recipients = Optional.empty();
        if (map.containsKey("recipients")) {
            Set<Mailbox> mailboxes = new LinkedHashSet<>();
            for (ConfigNode item : map.get("recipients").list()) {
                mailboxes.add(item.value("an address such as user@example.org", Mailbox::parse));
            }
            recipients = Optional.of(mailboxes);
        }
        return new Domain(
                map.containsKey("primary") ? nextHops(map.get("primary")) : List.of(),
                recipients,
                map.containsKey("tls") && requiresTls(map.get("tls"), offersTls),
                messageBytes(map.get("message-size"), limits));
    }

    private static boolean requiresTls(ConfigNode node, boolean offersTls) throws ConfigException {
        boolean required = node.value("required or opportunistic", text -> switch (text) {
            case "required" -> true;
            case "opportunistic" -> false;
            default -> throw new IllegalArgumentException(text);
        });
        if (required && !offersTls) {
            throw node.fault("required without STARTTLS", "tls.certificate and tls.key");
        }
        return required;
    }

    private static OptionalLong messageBytes(@Nullable ConfigNode node, ServerLimits limits) throws ConfigException {
        if (node == null) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(node.value(Units.SIZE + ", from 64kB to limits.message-size", text -> {
            long bytes = Units.bytes(text);
            if (bytes < 64 << 10 || bytes > limits.messageBytes()) {
                throw new IllegalArgumentException(text);
            }
            return bytes;
        }));
    }

    private static List<NextHop> nextHops(ConfigNode node) throws ConfigException {
        List<NextHop> hops = new ArrayList<>();
        for (ConfigNode item : node.isList() ? node.list() : List.of(node)) {
            hops.add(item.value(NEXT_HOP, NextHop::parse));
        }
        if (hops.isEmpty()) {
            throw node.fault("empty", NEXT_HOP);
        }
        return List.copyOf(hops);
    }

    private static Map<MailDomain, List<NextHop>> routes(@Nullable ConfigNode node, Map<MailDomain, Domain> domains)
            throws ConfigException {
        Map<MailDomain, List<NextHop>> routes = new LinkedHashMap<>();
        if (node != null) {
            for (Map.Entry<String, ConfigNode> entry : node.map().entrySet()) {
                MailDomain name = domainName(entry.getValue(), entry.getKey());
                if (domains.containsKey(name)) {
                    throw entry.getValue().fault("a domain of ours", "domains." + name + ".primary for its next hop");
                }
                routes.put(name, nextHops(entry.getValue()));
            }
        }
        return routes;
    }

    private static Probe probe(@Nullable ConfigNode node) throws ConfigException {
        Map<String, ConfigNode> map = node == null ? Map.of() : node.map(Set.of("up", "down", "rise", "fall"));
        return new Probe(
                duration(map, "up", Duration.ofMinutes(8)),
                duration(map, "down", Duration.ofSeconds(60)),
                map.containsKey("rise") ? map.get("rise").number(1, 100) : 2,
                map.containsKey("fall") ? map.get("fall").number(1, 100) : 2);
    }

    private static Duration duration(Map<String, ConfigNode> map, String key, Duration absent) throws ConfigException {
        return map.containsKey(key) ? map.get(key).value(Units.DURATION, Units::duration) : absent;
    }

    private static RetryPolicy retry(@Nullable ConfigNode node) throws ConfigException {
        return node == null
                ? RetryPolicy.parse("5m*3, 15m*4, 1h")
                : node.value("intervals such as 5m*3, 15m*4, 1h", RetryPolicy::parse);
    }

    private static Optional<Tls> tls(@Nullable ConfigNode node) throws ConfigException {
        if (node == null) {
            return Optional.empty();
        }
        List<Tls.Pair> certificates = new ArrayList<>();
        Map<String, ConfigNode> map = node.map(Set.of("certificate", "key", "certificates"));
        certificates.add(certificate(node, map));
        if (map.containsKey("certificates")) {
            for (ConfigNode item : map.get("certificates").list()) {
                certificates.add(certificate(item, item.map(Set.of("certificate", "key"))));
            }
        }
        return Optional.of(new Tls(List.copyOf(certificates)));
    }

    private static Tls.Pair certificate(ConfigNode node, Map<String, ConfigNode> map) throws ConfigException {
        Tls.Pair pair = new Tls.Pair(
                required(node, map, "certificate", "a PEM file").value("a readable PEM file", ServerConfig::readable),
                required(node, map, "key", "a PEM file").value("a readable PEM file", ServerConfig::readable));
        try {
            StartTls.pem(pair.certificate(), pair.key()).check();
        } catch (IOException e) {
            throw node.fault(String.valueOf(e.getMessage()));
        }
        return pair;
    }

    private static Path readable(String text) {
        Path file = Path.of(text);
        if (!Files.isReadable(file) || Files.isDirectory(file)) {
            throw new IllegalArgumentException(text);
        }
        return file;
    }

    private static Optional<Duration> greylist(@Nullable ConfigNode node) throws ConfigException {
        if (node == null) {
            return Optional.empty();
        }
        Map<String, ConfigNode> map = node.map(Set.of("delay"));
        return Optional.of(required(node, map, "delay", Units.DURATION).value(Units.DURATION, Units::duration));
    }

    private static Optional<Mailbox> postmaster(@Nullable ConfigNode node) throws ConfigException {
        return node == null
                ? Optional.empty()
                : Optional.of(node.value("an address such as postmaster@example.org", Mailbox::parse));
    }

    private static List<InetSocketAddress> resolvers(@Nullable ConfigNode node) throws ConfigException {
        List<InetSocketAddress> resolvers = new ArrayList<>();
        if (node != null) {
            for (ConfigNode item : node.list()) {
                resolvers.add(item.value(
                        "the address of a name server, for example 127.0.0.1:53", text -> address(text, 53)));
            }
        }
        return resolvers;
    }
}
