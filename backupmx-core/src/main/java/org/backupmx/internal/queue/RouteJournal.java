package org.backupmx.internal.queue;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;

/**
 * Remembers for 30 d where the primary of each relay domain was, and so which domains were ours: in memory, and over a
 * restart in the series {@value #SERIES} if there is a store. A route is as many lines as it has hosts,
 *
 * <pre>
 *   example.org 1/2 10 mx1.example.net:25 1795334400 9.9.9.1,2620:fe:0:0:0:0:0:1
 *   example.org 2/2 20 mx3.example.net:25 1795334400 -
 * </pre>
 *
 * with the preference, {@code -} in its place for a fixed next hop, and the second since 1970 at which the host had these
 * addresses; {@code tls} follows if the domain's settings demanded that. The last whole route of a domain counts. Thread-safe.
 */
final class RouteJournal implements KeptLines.Owner {

    static final String SERIES = "routes";

    private static final String TLS = "tls";

    /** The most domains that are remembered; the routes of any more are not. */
    static final int MOST_DOMAINS = 50_000;

    /** A route of which not all lines are read yet. */
    private record Begun(int count, List<LastGoodRoute.Host> hosts) {}

    private final KeptLines kept;
    private final EngineRuntime runtime;
    private final Map<MailDomain, LastGoodRoute> routes = new ConcurrentHashMap<>();
    private final Map<MailDomain, Begun> begun = new HashMap<>(); // while lines are read

    RouteJournal(Optional<HistoryStore> store, EngineRuntime runtime) {
        this.kept = new KeptLines(SERIES, store, runtime, this);
        this.runtime = runtime;
    }

    /** Takes up what was known. Blocks. */
    void start() {
        kept.start();
        begun.clear();
    }

    /** Writes what is not written yet. Blocks. */
    void write() {
        kept.write();
    }

    /** Returns where the primary of a domain was, if that is not too long ago. */
    Optional<LastGoodRoute> find(MailDomain domain) {
        return Optional.ofNullable(routes.get(domain))
                .filter(route -> route.at().plus(KeptLines.KEEP).isAfter(runtime.now()));
    }

    /** Takes the way to a relay domain that was found. Never blocks. */
    void found(MailDomain domain, LastGoodRoute route) {
        LastGoodRoute before = routes.get(domain);
        if (before == null && routes.size() >= MOST_DOMAINS) {
            return;
        }
        LastGoodRoute now = before == null ? route : route.with(before);
        routes.put(domain, now);
        kept.known(domain.toString(), before == null || !before.isSame(now));
    }

    @Override
    public void read(HistoryEntry line) throws UnknownHostException {
        String[] words = line.text().split(" ", -1);
        String[] place = words[1].split("/", -1);
        int number = Integer.parseInt(place[0]);
        int count = Integer.parseInt(place[1]);
        MailDomain domain = MailDomain.of(words[0]);
        Begun begin = number == 1 ? new Begun(count, new ArrayList<>()) : begun.get(domain);
        if (begin == null || begin.count() != count || begin.hosts().size() != number - 1) {
            begun.remove(domain);
            return;
        }
        boolean isFixed = words[2].equals("-");
        begin.hosts()
                .add(new LastGoodRoute.Host(
                        NextHop.parse(words[3]),
                        isFixed ? number - 1 : Integer.parseInt(words[2]),
                        Instant.ofEpochSecond(Long.parseLong(words[4])),
                        addresses(words[5])));
        begun.put(domain, begin);
        if (number == count && (routes.size() < MOST_DOMAINS || routes.containsKey(domain))) {
            boolean demandsTls = words.length > 6 && words[6].equals(TLS);
            routes.put(domain, new LastGoodRoute(line.at(), isFixed, demandsTls, begin.hosts()));
        }
    }

    private static List<InetAddress> addresses(String text) throws UnknownHostException {
        List<InetAddress> addresses = new ArrayList<>();
        for (String word : text.equals("-") ? new String[0] : text.split(",", -1)) {
            if (!word.matches("\\d{1,3}(\\.\\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*")) {
                throw new IllegalArgumentException(word); // never looked up
            }
            addresses.add(InetAddress.getByName(word));
        }
        return addresses;
    }

    @Override
    public Set<String> keys() {
        return routes.keySet().stream().map(MailDomain::toString).collect(Collectors.toSet());
    }

    @Override
    public List<HistoryEntry> lines(String domain) {
        List<HistoryEntry> lines = new ArrayList<>();
        LastGoodRoute route = routes.get(MailDomain.of(domain));
        if (route == null) {
            return List.of();
        }
        for (LastGoodRoute.Host host : route.hosts()) {
            String addresses = host.addresses().isEmpty()
                    ? "-"
                    : host.addresses().stream().map(InetAddress::getHostAddress).collect(Collectors.joining(","));
            String text = String.join(
                    " ",
                    domain,
                    (lines.size() + 1) + "/" + route.hosts().size(),
                    route.isFixed() ? "-" : "" + host.preference(),
                    host.nextHop().toString(),
                    "" + host.at().getEpochSecond(),
                    addresses);
            lines.add(new HistoryEntry(route.at(), route.demandsTls() ? text + " " + TLS : text));
        }
        return lines;
    }

    @Override
    public void forget(Instant before) {
        routes.values().removeIf(route -> route.at().isBefore(before));
    }
}
