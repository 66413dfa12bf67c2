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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.BackupMxBuilder;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.relay.RelaySettings;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.StartTls;
import org.backupmx.smtp.Transport;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.file.KeyFile;
import org.jspecify.annotations.Nullable;

/** The reference server's configuration, as its YAML file says it. */
record ServerConfig(
        String hostname,
        List<SmtpListener> listen,
        OwnIdentity identity,
        Transport transport,
        String spool,
        Optional<Path> spoolKeyFile,
        Optional<Path> adminSocket,
        Optional<Path> history,
        Duration recycle,
        Duration repeatWindow,
        DomainMode mode,
        Map<MailDomain, ServerDomain> domains,
        List<IpNetwork> byDestination,
        Map<MailDomain, List<NextHop>> routes,
        ServerProbe probe,
        RelaySettings relay,
        DeliveryRate rate,
        LeaseOrder drainOrder,
        ServerSchedule schedule,
        SenderVerifier verifiedSenders,
        ServerLimits limits,
        Optional<Tls> tls,
        Optional<Duration> greylistDelay,
        Optional<Mailbox> postmaster,
        List<InetSocketAddress> resolvers,
        boolean allowPrivateNextHops,
        boolean allowRoutedLocalParts,
        int deliveriesPerPrimary,
        boolean breaker) {

    private static final Set<String> KEYS = Set.of(
            "hostname",
            "listen",
            "own-names",
            "own-addresses",
            "peers",
            "transport",
            "spool",
            "spool-key-file",
            "admin-socket",
            "history",
            "recycle",
            "repeat-window",
            "mode",
            "domains",
            "by-destination",
            "routes",
            "probe",
            "relay",
            "rate",
            "drain-order",
            "retry",
            "lifetime",
            "undelivered",
            "verified-senders",
            "limits",
            "tls",
            "greylist",
            "postmaster",
            "resolvers",
            "allow-private-next-hops",
            "allow-routed-local-parts",
            "deliveries-per-primary",
            "breaker");

    private static final String SPOOL = "a directory, or a jdbc: URL";
    private static final String ADDRESS_AND_PORT = "address:port, for example 0.0.0.0:25 or [::]:25";

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
        List<SmtpListener> listen = listen(required(root, map, "listen", "a list such as [0.0.0.0:25]"));
        List<IpNetwork> byDestination = byDestination(map.get("by-destination"));
        if (!byDestination.isEmpty() && !map.containsKey("domains")) {
            required(root, map, "postmaster", "an address, as there is no domain for it");
        }
        RelaySettings relay = ServerRelay.of(map.get("relay"), RelaySettings.defaults());
        DeliveryRate rate = ServerRate.of(map.get("rate"), DeliveryRate.unlimited());
        Optional<Path> history = history(map.get("history"), spool(required(root, map, "spool", SPOOL)));
        ServerSchedule schedule = ServerSchedule.of(map, ServerSchedule.DEFAULT, history.isPresent());
        Map<MailDomain, ServerDomain> domains = map.containsKey("domains") || byDestination.isEmpty()
                ? ServerDomain.all(
                        required(root, map, "domains", "the domains we are backup MX for"),
                        limits,
                        map.containsKey("tls"),
                        relay,
                        rate,
                        schedule,
                        history.isPresent())
                : Map.of();
        return new ServerConfig(
                required(root, map, "hostname", "our host name, for example mx2.example.net")
                        .value("a host name, for example mx2.example.net", ServerConfig::hostname),
                listen,
                ServerIdentity.of(map, listen),
                map.containsKey("transport")
                        ? map.get("transport").value("auto, nio, epoll or io_uring", ServerConfig::transport)
                        : Transport.AUTO,
                spool(required(root, map, "spool", SPOOL)),
                spoolKeyFile(map.get("spool-key-file"), required(root, map, "spool", SPOOL)),
                AdminSocket.path(map.get("admin-socket"), spool(required(root, map, "spool", SPOOL))),
                history,
                recycle(map.get("recycle")),
                repeatWindow(map.get("repeat-window")),
                map.containsKey("mode") ? ServerDomain.mode(map.get("mode")) : DomainMode.ALWAYS,
                domains,
                byDestination,
                routes(map.get("routes"), domains),
                ServerProbe.of(map.get("probe")),
                relay,
                rate,
                map.containsKey("drain-order") ? ServerDomain.drainOrder(map.get("drain-order")) : LeaseOrder.OLDEST,
                schedule,
                ServerSchedule.verifiedSenders(map.get("verified-senders")),
                limits,
                tls(map.get("tls")),
                greylist(map.get("greylist")),
                postmaster(map.get("postmaster")),
                resolvers(map.get("resolvers")),
                flag(map.get("allow-private-next-hops"), false),
                flag(map.get("allow-routed-local-parts"), false),
                map.containsKey("deliveries-per-primary")
                        ? map.get("deliveries-per-primary").number(1, 200)
                        : BackupMxBuilder.DEFAULT_MAX_DELIVERIES_PER_PRIMARY,
                flag(map.get("breaker"), true));
    }

    static ConfigNode required(ConfigNode parent, Map<String, ConfigNode> map, String key, String expected)
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
                SPOOL, text -> text.startsWith("jdbc:") ? text : Path.of(text).toString());
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

    /** Beside the mail, unless that is in a database, which several servers may share. */
    private static Optional<Path> history(@Nullable ConfigNode node, String spool) throws ConfigException {
        if (node != null) {
            return node.value(
                    "a directory, or off", text -> text.equals("off") ? Optional.empty() : Optional.of(Path.of(text)));
        }
        return spool.startsWith("jdbc:") ? Optional.empty() : Optional.of(Path.of(spool, "history"));
    }

    private static Duration recycle(@Nullable ConfigNode node) throws ConfigException {
        return node == null
                ? BackupMxBuilder.DEFAULT_RECYCLE_FOR
                : node.value(
                        "a duration of at most 30d such as 72h, or off",
                        text -> durationOrOff(text, BackupMxBuilder.MAX_RECYCLE_FOR));
    }

    private static Duration repeatWindow(@Nullable ConfigNode node) throws ConfigException {
        return node == null
                ? Duration.ZERO
                : node.value(
                        "a duration of at most 24h such as 1h, or off",
                        text -> durationOrOff(text, BackupMxBuilder.MAX_REPEAT_WINDOW));
    }

    private static Duration durationOrOff(String text, Duration most) {
        Duration duration = text.equals("off") ? Duration.ZERO : Units.duration(text);
        if (duration.compareTo(most) > 0) {
            throw new IllegalArgumentException(text);
        }
        return duration;
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

    private static Map<MailDomain, List<NextHop>> routes(
            @Nullable ConfigNode node, Map<MailDomain, ServerDomain> domains) throws ConfigException {
        Map<MailDomain, List<NextHop>> routes = new LinkedHashMap<>();
        if (node != null) {
            for (Map.Entry<String, ConfigNode> entry : node.map().entrySet()) {
                MailDomain name = ServerDomain.name(entry.getValue(), entry.getKey());
                if (domains.containsKey(name)) {
                    throw entry.getValue().fault("a domain of ours", "domains." + name + ".primary for its next hop");
                }
                routes.put(name, ServerDomain.nextHops(entry.getValue()));
            }
        }
        return routes;
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
