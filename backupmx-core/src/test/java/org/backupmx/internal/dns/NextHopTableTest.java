package org.backupmx.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.Destination;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.relay.RelayRoute;
import org.backupmx.relay.RelayRouter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/** What the DNS may say of {@code example.org}, asked over the network, and the way that mail goes then. */
class NextHopTableTest {

    /** Two names and two addresses of ours, the address of our NAT, and a peer by its name and by an address. */
    private static final OwnIdentity US = OwnIdentity.named("mx2.example", "mx2-old.example", "peer.example")
            .withAddresses(Set.of(
                    address("9.9.9.2"),
                    address("2620:fe::2"),
                    address("10.9.9.2"),
                    address("8.8.4.2"),
                    address("9.9.9.3")))
            .withListeners(List.of(new InetSocketAddress(address("10.9.9.2"), 25)));

    /**
     * A zone, in parts with a semicolon between; then the way if the domain is ours, then if it is foreign: hosts without
     * {@code .example}, equals in braces, {@code +note} if something was noted; or the kind of outcome.
     *
     * <pre>
     *   10 p 9.9.9.1 2620:fe::9      an MX record, and addresses of p.example
     *   10 p >q 9.9.9.1              p.example is an alias of q.example
     *   10 p !                       look-ups of p.example fail; !timeout, !bogus, !nodata
     *   =servfail, =timeout, =bogus, =nxdomain, =null, =refused
     *   =nodata 9.9.9.1              no MX record, and addresses of the domain itself
     *   =cname                       the domain is an alias of alias.example, which has the MX records
     *   =chain 8                     the same by so many aliases
     *   =loop                        an alias of itself
     *   =many 400                   that many more MX records, of preference 40, host h0 and so on
     *   =tcp, =wrongid, =wrongname   truncated over UDP; an answer to somebody else's question
     * </pre>
     */
    @ParameterizedTest(name = "{0} -> {1} | {2}")
    @CsvSource(delimiter = '|', textBlock = """
            # our name in any place
            10 p 9.9.9.1; 20 mx2 9.9.9.2                              | p            | p
            20 mx2 9.9.9.2; 10 p 9.9.9.1                              | p            | p
            10 p 9.9.9.1; 20 MX2 9.9.9.2; 30 w 9.9.9.4                | p            | p
            10 p 9.9.9.1; 20 mx2-old 9.9.9.77                         | p            | p
            10 p 9.9.9.1; 15 q 9.9.9.4; 20 mx2; 30 w 9.9.9.5          | p q          | p q
            0 p 9.9.9.1; 65535 mx2                                    | p            | p
            # known by an address alone: interface, IPv6, NAT, loopback, wildcard, v4-mapped, the last of many
            10 p 9.9.9.1; 20 nick 9.9.9.2; 30 w 9.9.9.4               | p            | p
            10 p 9.9.9.1; 20 nick 2620:fe::2; 30 w 9.9.9.4            | p            | p
            10 p 9.9.9.1; 20 nick 8.8.4.2; 30 w 9.9.9.4               | p            | p
            10 p 9.9.9.1; 20 nick 127.0.0.1; 30 w 9.9.9.4             | p            | p
            10 p 9.9.9.1; 20 nick ::1; 30 w 9.9.9.4                   | p            | p
            10 p 9.9.9.1; 20 nick 0.0.0.0; 30 w 9.9.9.4               | p            | p
            10 p 9.9.9.1; 20 nick ::ffff:9.9.9.2; 30 w 9.9.9.4        | p            | p
            10 p 9.9.9.1; 20 nick 9.9.7.1 9.9.7.2 9.9.7.3 9.9.7.4 9.9.7.5 9.9.7.6 9.9.7.7 9.9.7.8 9.9.7.9 9.9.7.10 9.9.7.11 9.9.9.2; 30 w 9.9.9.4 | p | p
            # peers
            10 p 9.9.9.1; 20 peer 9.9.9.90; 30 mx2                    | p            | p
            10 p 9.9.9.1; 20 friend 9.9.9.3; 30 mx2                   | p            | p
            10 peer 9.9.9.90; 20 mx2; 30 w 9.9.9.4                    | Hold         | 550 5.4.6
            # equals
            10 p 9.9.9.1; 10 q 9.9.9.4; 20 mx2                        | {p q}        | {p q}
            10 p 9.9.9.1; 20 e 9.9.9.4; 20 mx2                        | p            | p
            10 p 9.9.9.1; 20 e 9.9.9.4; 20 nick 9.9.9.2               | p            | p
            10 e 9.9.9.4; 10 mx2                                      | Hold         | 550 5.4.6
            # only us, or we are the best
            10 mx2 9.9.9.2                                            | Hold         | 550 5.4.6
            10 nick 9.9.9.2                                           | Hold         | 550 5.4.6
            10 mx2 9.9.9.2; 20 w 9.9.9.4                              | Hold         | 550 5.4.6
            10 p; 20 mx2                                              | Hold         | 550 5.4.6
            # we are not among them
            10 p 9.9.9.1                                              | p +note      | p
            # null MX, alone and among others
            =null                                                     | Hold         | 556 5.1.10
            =null; 10 p 9.9.9.1; 20 mx2                               | p            | p
            # aliases
            =cname; 10 p 9.9.9.1; 20 mx2                              | p            | p
            =chain 8; 10 p 9.9.9.1; 20 mx2                            | p            | p
            =chain 9; 10 p 9.9.9.1; 20 mx2                            | Retry        | Retry
            =loop                                                     | Retry        | Retry
            10 p >q 9.9.9.1; 20 mx2                                   | p +note      | p +note
            10 p >q; 20 mx2                                           | Hold         | 550 5.4.6
            10 p 9.9.9.1; 20 nick >mx2 9.9.9.2; 30 w 9.9.9.4          | p            | p
            10 p >mx2 9.9.9.2; 20 mx2                                 | Hold         | 550 5.4.6
            # no MX record: the domain itself, and on no other answer
            =nodata 9.9.9.1                                           | example.org  | example.org
            =nodata 9.9.9.2                                           | Hold         | 550 5.4.6
            =nodata 10.0.0.1                                          | Hold         | 550 5.4.4
            =nodata                                                   | Hold         | 550 5.4.4
            =nxdomain                                                 | Hold         | 550 5.1.2
            =servfail                                                 | Retry        | Retry
            =refused                                                  | Retry        | Retry
            =bogus                                                    | Retry        | Retry
            =timeout                                                  | Retry        | Retry
            # MX records of which none can be used
            10 p; 15 q                                                | Hold         | 550 5.4.4
            10 p !nodata                                              | Hold         | 550 5.4.4
            10 p 10.0.0.1                                             | Hold         | 550 5.4.4
            10 p !; 20 mx2                                            | Retry        | Retry
            10 p !bogus; 20 mx2                                       | Retry        | Retry
            10 p !timeout; 20 mx2                                     | Retry        | Retry
            10 p !; 15 q 9.9.9.4; 20 mx2                              | q            | q
            10 p 9.9.9.1; 20 u !; 30 w 9.9.9.4                        | p            | p w
            # addresses: families, and what a stranger must not point us to
            10 p 2620:fe::9; 20 mx2                                   | p            | p
            10 p ::ffff:9.9.9.1; 20 mx2                               | p            | p
            10 p ::ffff:10.0.0.1; 20 mx2                              | Hold         | 550 5.4.6
            10 p 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1; 20 mx2   | Hold         | 550 5.4.6
            10 p 169.254.169.254 fd00:ec2::254 fe80::1; 20 mx2        | Hold         | 550 5.4.6
            10 p 192.0.2.1 198.51.100.1 2001:db8::1; 20 mx2           | Hold         | 550 5.4.6
            10 p 224.0.0.1 255.255.255.255 ff02::1; 20 mx2            | Hold         | 550 5.4.6
            10 p 64:ff9b::a00:1 2002:a00:1::1; 20 mx2                 | Hold         | 550 5.4.6
            10 p 10.0.0.1 9.9.9.1; 20 mx2                             | p            | p
            # an address in place of a host name, and what others take for one
            10 9.9.9.1; 20 mx2                                        | 9.9.9.1 +note | 9.9.9.1 +note
            10 127.0.0.1; 20 mx2                                      | Hold         | 550 5.4.6
            10 2130706433; 10 0x7f.1; 20 mx2                          | Hold         | 550 5.4.6
            # many, truncation, answers to another question
            10 p 9.9.9.1; 20 mx2; =many 400                          | p            | p
            10 p 9.9.9.1; 50 mx2; =many 400                          | p            | p
            10 p 9.9.9.1; 40 mx2; =many 400                          | p            | p
            =many 400                                                | Hold         | 550 5.4.4
            =many 3000; 10 p 9.9.9.1; 20 mx2                          | Retry        | Retry
            =many 5000                                                | Retry        | Retry
            =tcp; 10 p 9.9.9.1; 20 mx2                                | p            | p
            =wrongid; 10 p 9.9.9.1; 20 mx2                            | Retry        | Retry
            =wrongname; 10 p 9.9.9.1; 20 mx2                          | Retry        | Retry
            """)
    void table(String zone, String ours, String foreign) throws IOException {
        try (DnsServer dns = new DnsServer()) {
            String owner = "example.org";
            for (String part : zone.split("; ", -1)) {
                owner = write(dns, owner, part.trim());
            }
            MailDomain domain = MailDomain.of("Example.ORG");
            assertThat(describe(route(dns, zone, Destination.relayDomain(domain))))
                    .isEqualTo(ours);
            assertThat(describe(route(dns, zone, Destination.foreignDomain(domain))))
                    .isEqualTo(foreign);
            if (!zone.startsWith("=nodata")) {
                assertThat(dns.queries())
                        .as("the domain's own addresses")
                        .noneMatch(query -> query.matches("... example.org A+"));
            }
            assertThat(dns.queries()).as("look-ups of hosts").hasSizeLessThan(4 * RelayRouter.MAX_HOSTS_EXAMINED + 12);
        }
    }

    private static RelayRoute route(DnsServer dns, String zone, Destination destination) {
        boolean isAnswered = !zone.contains("timeout") && !zone.contains("wrong");
        Duration timeout = isAnswered ? Duration.ofSeconds(5) : Duration.ofMillis(200);
        MxResolver resolver =
                new DnsJavaMxResolver(List.of(dns.address()), timeout.dividedBy(2), timeout, Ticker.systemTicker());
        return new RelayRouter(resolver, US, new Random(7))
                .route(destination)
                .toCompletableFuture()
                .join();
    }

    /** Writes one part of a zone; returns who owns the MX records that follow. */
    private static String write(DnsServer dns, String owner, String part) {
        String[] words = part.split(" ", -1);
        switch (words[0]) {
            case "=servfail" -> dns.fail(owner, Rcode.SERVFAIL);
            case "=refused" -> dns.fail(owner, Rcode.REFUSED);
            case "=bogus" -> dns.bogus(owner);
            case "=timeout" -> dns.silent(owner);
            case "=nxdomain" -> {}
            case "=null" -> dns.add(owner, Type.MX, "0 .");
            case "=nodata" -> addresses(dns.exists(owner), owner, List.of(words).subList(1, words.length));
            case "=cname" -> {
                dns.add(owner, Type.CNAME, "alias.example.");
                return "alias.example";
            }
            case "=chain" -> {
                int aliases = Integer.parseInt(words[1]);
                dns.add(owner, Type.CNAME, "a1.example.");
                IntStream.range(1, aliases)
                        .forEach(i -> dns.add("a" + i + ".example", Type.CNAME, "a" + (i + 1) + ".example."));
                return "a" + aliases + ".example";
            }
            case "=loop" -> dns.add(owner, Type.CNAME, owner + ".");
            case "=many" ->
                IntStream.range(0, Integer.parseInt(words[1]))
                        .forEach(i -> dns.add(owner, Type.MX, "40 h" + i + ".example."));
            case "=tcp" -> dns.truncated(owner);
            case "=wrongid" ->
                dns.damage(wire -> {
                    wire[1] ^= 1;
                    return wire;
                });
            case "=wrongname" ->
                dns.add("evil.example", Type.MX, "10 h.evil.example.").confused(owner, "evil.example");
            default -> exchanger(dns, owner, words);
        }
        return owner;
    }

    private static void exchanger(DnsServer dns, String owner, String[] words) {
        String suffix = Character.isDigit(words[1].charAt(0)) ? "" : ".example";
        String host = words[1].toLowerCase(Locale.ROOT) + suffix;
        dns.add(owner, Type.MX, words[0] + " " + words[1] + suffix + ".");
        List<String> rest = List.of(words).subList(2, words.length);
        if (rest.isEmpty()) {
            return;
        }
        switch (rest.get(0)) {
            case "!" -> dns.fail(host, Rcode.SERVFAIL);
            case "!bogus" -> dns.bogus(host);
            case "!timeout" -> dns.silent(host);
            case "!nodata" -> dns.exists(host);
            default -> {
                boolean isAlias = rest.get(0).startsWith(">");
                String name = isAlias ? rest.get(0).substring(1) + ".example" : host;
                if (isAlias) {
                    dns.add(host, Type.CNAME, name + ".");
                }
                addresses(dns, name, rest.subList(isAlias ? 1 : 0, rest.size()));
            }
        }
    }

    private static void addresses(DnsServer dns, String name, List<String> addresses) {
        addresses.forEach(address -> dns.add(name, address.contains(":") ? Type.AAAA : Type.A, address));
    }

    private static String describe(RelayRoute route) {
        if (route instanceof RelayRoute.Undeliverable undeliverable) {
            return undeliverable.reply().code() + " "
                    + undeliverable.reply().enhanced().orElseThrow();
        }
        if (!(route instanceof RelayRoute.NextHops hops)) {
            return route.getClass().getSimpleName();
        }
        List<String> hosts = hops.addresses().stream()
                .map(hop -> hop.nextHop().host().replace(".example", ""))
                .distinct()
                .toList();
        boolean areEqual =
                hosts.size() > 1 && Set.copyOf(hops.preferences().values()).size() == 1;
        String text =
                areEqual ? hosts.stream().sorted().collect(Collectors.joining(" ", "{", "}")) : String.join(" ", hosts);
        return text + (hops.notes().isEmpty() ? "" : " +note");
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
