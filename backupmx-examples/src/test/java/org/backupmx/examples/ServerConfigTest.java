package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerification;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.DeliveryHours;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.EarlyTalkers;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.Transport;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.RescueHosts;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ServerConfigTest {

    private static final Path BAD_CONFIGS = Path.of("src", "test", "resources", "bad-configs");

    @TempDir
    Path folder;

    static Stream<Path> badConfigs() throws IOException {
        try (Stream<Path> files = Files.list(BAD_CONFIGS)) {
            return files.sorted(Comparator.naturalOrder()).toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("badConfigs")
    void aBadConfigurationIsToldOnOneLine(Path file) throws IOException {
        String expected = Files.readAllLines(file).get(0).substring("# expect: ".length());
        assertThatThrownBy(() -> ServerConfig.read(file))
                .isInstanceOf(ConfigException.class)
                .satisfies(fault -> assertThat(fault.getMessage())
                        .startsWith(file + ":" + expected)
                        .doesNotContain("\n"));
    }

    @Test
    void spoolKeyFileIsLookedAt() throws Exception {
        Path keys = Files.writeString(folder.resolve("keys"), "2026 " + "0f".repeat(32) + "\n");
        Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-r-----"));
        List<String> lines = List.of(
                "hostname: mx2.example.net",
                "listen: [127.0.0.1:2525]",
                "spool: data/spool",
                "spool-key-file: " + keys,
                "domains: {example.test: {}}");
        Path file = Files.write(folder.resolve("server.yaml"), lines);

        assertThatThrownBy(() -> ServerConfig.read(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(file + ":4: spool-key-file: key file " + keys + ": mode rw-r-----");
        Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
        assertThat(ServerConfig.read(file).spoolKeyFile()).contains(keys);
    }

    @Test
    void aPasswordIsReadFromAFileThatNobodyElseMayRead() throws Exception {
        Path password = Files.writeString(folder.resolve("password"), "p\u00e4ss w\u00f6rd\nsecond line\n");
        Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-r-----"));
        List<String> lines = List.of(
                "hostname: mx2.example.net",
                "listen: [127.0.0.1:2525]",
                "spool: data/spool",
                "relay: {user: backupmx, password-file: " + password + "}",
                "domains: {example.test: {}}");
        Path file = Files.write(folder.resolve("server.yaml"), lines);

        assertThatThrownBy(() -> ServerConfig.read(file))
                .isInstanceOf(ConfigException.class)
                .hasMessage(file + ":4: relay.password-file: " + password
                        + " has mode rw-r----- (expected: mode 0600 or 0400)");
        Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-------"));
        ServerConfig config = ServerConfig.read(file);
        assertThat(config.relay().credentials())
                .contains(RelayCredentials.of("backupmx", "p\u00e4ss w\u00f6rd".toCharArray()));
        assertThat(config.toString()).contains("backupmx").doesNotContain("w\u00f6rd");
    }

    @Test
    void everyKeyIsRead() throws Exception {
        Path certificate = Path.of("src/test/resources/tls/mx2.crt.pem");
        Path key = Path.of("src/test/resources/tls/mx2.key.pem");
        Path ecCertificate = Path.of("src/test/resources/tls/ec.crt.pem");
        Path ecKey = Path.of("src/test/resources/tls/ec.key.pem");
        Path file = Files.writeString(folder.resolve("server.yaml"), """
                hostname: MX2.example.net
                listen:
                  - 127.0.0.1:2525
                  - address: "[::1]:2526"
                    proxy-from: [192.0.2.0/24, "2001:db8::/32"]
                    xclient-from: 192.0.2.1
                    accepts-mail: false
                transport: io_uring
                spool: data/spool
                admin-socket: /run/backupmx/admin.sock
                history: data/history
                mode: monitoring
                domains:
                  Example.test:
                    primary: 127.0.0.50:2500
                    mode: always
                    tls: required
                    message-size: 5MB
                    retry: dnsexit
                    undelivered: {expiry: hold, hold: 3d, counts: uptime, refused-content: retry}
                    recipients: [a@example.test, "\\"b c\\"@example.test"]
                    relay: {tls: fingerprint, tls-fingerprints: ["%s"]}
                    drain-order: smallest
                    rate: {bytes: 50MB/min, hours: ["22:00-06:00 Europe/Berlin", "Sat,Sun 00:00-24:00 UTC"]}
                  by-mx.test:
                by-destination: [192.0.2.0/24, "2001:db8::/32"]
                routes:
                  sender.test: [127.0.0.50:2500, "[::1]"]
                relay:
                  tls: verify
                  tls-names: [Mail.example.test, mail2.example.test]
                  tls-authorities: %s
                  user: backupmx
                  password-env: PATH
                  certificate: %s
                  key: %s
                  source: [127.0.0.1, "::1"]
                  helo: Out.example.net
                drain-order: newest
                rate: {messages: 600/min, bytes: unlimited, hours: "08:00-18:00 UTC"}
                probe: {depth: starttls, up: 8m, down: 1s, timeout: 20s, rise: 1, fall: 3}
                retry: 5m*3, 15m*4, 1h
                lifetime: 7d
                undelivered: {expiry: bounce, null-path-lifetime: 2d, refused-content: dsn-if-verified, dead-letters: 60d}
                verified-senders: [192.0.2.0/24, login]
                limits:
                  message-size: 10MB
                  recipients: 200
                  connections: 300
                  connections-per-client: 40
                  greet-pause: 6s
                  early-talkers: ignore
                  bare-line-ends: reject
                tls:
                  certificate: %s
                  key: %s
                  certificates: [{certificate: %s, key: %s}]
                greylist: {delay: 5m}
                postmaster: admin@example.net
                resolvers: ["127.0.0.1:5353", "::1"]
                allow-private-next-hops: true
                allow-routed-local-parts: true
                """.formatted(
                "AB:".repeat(31) + "ab", certificate, ecCertificate, ecKey, certificate, key, ecCertificate, ecKey));

        ServerConfig config = ServerConfig.read(file);

        assertThat(config.hostname()).isEqualTo("mx2.example.net");
        assertThat(config.listen())
                .extracting(listener -> listener.address().toString())
                .containsExactly("/127.0.0.1:2525", "/[0:0:0:0:0:0:0:1]:2526");
        assertThat(config.listen().get(0).proxyNetworks()).isEmpty();
        assertThat(config.listen().get(1).proxyNetworks())
                .containsExactly(IpNetwork.of("192.0.2.0/24"), IpNetwork.of("2001:db8::/32"));
        assertThat(config.listen().get(0).xclientNetworks()).isEmpty();
        assertThat(config.listen().get(1).xclientNetworks()).containsExactly(IpNetwork.of("192.0.2.1"));
        assertThat(config.listen())
                .extracting(SmtpListener::acceptsMail)
                .as("where mail is accepted")
                .containsExactly(true, false);
        assertThat(config.transport()).isEqualTo(Transport.IO_URING);
        assertThat(config.spool()).isEqualTo("data/spool");
        assertThat(config.adminSocket()).contains(Path.of("/run/backupmx/admin.sock"));
        assertThat(config.history()).contains(Path.of("data/history"));
        assertThat(config.mode()).isEqualTo(DomainMode.MONITORING);
        RelaySettings relay = config.relay();
        assertThat(relay.tls()).isInstanceOfSatisfying(TlsPolicy.Verify.class, verify -> {
            assertThat(verify.names()).containsExactlyInAnyOrder("mail.example.test", "mail2.example.test");
            assertThat(verify.authorities()).hasSize(1);
        });
        assertThat(relay.credentials())
                .contains(RelayCredentials.of("backupmx", System.getenv("PATH").toCharArray()));
        assertThat(relay.clientCertificate()).isPresent();
        assertThat(relay.sourceAddress(IpNetwork.of("192.0.2.1").first()))
                .contains(IpNetwork.of("127.0.0.1").first());
        assertThat(relay.sourceAddress(IpNetwork.of("2001:db8::1").first()))
                .contains(IpNetwork.of("::1").first());
        assertThat(relay.heloName()).contains("out.example.net");
        assertThat(config.drainOrder()).isEqualTo(LeaseOrder.NEWEST);
        DeliveryRate rate = DeliveryRate.unlimited().withMessagesPerMinute(600);
        assertThat(config.rate()).isEqualTo(rate.withHours(DeliveryHours.parse("08:00-18:00 UTC")));
        ServerDomain domain = config.domains().get(MailDomain.of("example.test"));
        assertThat(domain.relay()).hasValueSatisfying(own -> {
            assertThat(own).isEqualTo(relay.withTls(TlsPolicy.fingerprint("ab".repeat(32))));
        });
        assertThat(domain.relayDomain(MailDomain.of("example.test")).drainOrder())
                .contains(LeaseOrder.SMALLEST);
        assertThat(domain.relayDomain(MailDomain.of("example.test")).deliveryRate())
                .contains(rate.withBytesPerMinute(50 << 20)
                        .withHours(DeliveryHours.parse("22:00-06:00 Europe/Berlin", "Sat,Sun 00:00-24:00 UTC")));
        assertThat(domain.primary()).containsExactly(new NextHop("127.0.0.50", 2500));
        assertThat(domain.recipients().orElseThrow())
                .containsExactly(Mailbox.parse("a@example.test"), Mailbox.parse("\"b c\"@example.test"));
        assertThat(domain.requiresTls()).isTrue();
        assertThat(domain.mode()).contains(DomainMode.ALWAYS);
        assertThat(domain.messageBytes()).hasValue(5 << 20);
        assertThat(config.domains().get(MailDomain.of("by-mx.test"))).isEqualTo(ServerDomain.DEFAULT);
        assertThat(config.byDestination()).containsExactly(IpNetwork.of("192.0.2.0/24"), IpNetwork.of("2001:db8::/32"));
        assertThat(config.routes().get(MailDomain.of("sender.test")))
                .containsExactly(new NextHop("127.0.0.50", 2500), new NextHop("::1", 25));
        assertThat(config.probe())
                .isEqualTo(new ServerProbe(
                        Optional.of(ProbeDepth.STARTTLS),
                        Duration.ofMinutes(8),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(20),
                        1,
                        3));
        assertThat(config.schedule().intervals()).isEqualTo(RetryPolicy.parse("5m*3, 15m*4, 1h"));
        assertThat(config.schedule().lifetime()).contains(Duration.ofDays(7));
        assertThat(config.schedule().retryPolicy().lifetime()).contains(Duration.ofDays(7));
        UndeliveredPolicy undelivered = UndeliveredPolicy.standard()
                .withExpiry(ExpiryAction.bounce())
                .withNullPathLifetime(Duration.ofDays(2))
                .withContentRefusal(ContentRefusal.DSN_IF_VERIFIED)
                .withDeadLetterTime(Duration.ofDays(60));
        assertThat(config.schedule().undelivered()).isEqualTo(undelivered);
        ServerSchedule own = domain.schedule().orElseThrow();
        assertThat(own.intervals()).isEqualTo(RetryPolicy.dnsexit());
        assertThat(own.undelivered())
                .isEqualTo(undelivered
                        .withExpiry(ExpiryAction.hold(Duration.ofDays(3)))
                        .withUptimeOnly(true)
                        .withContentRefusal(ContentRefusal.RETRY));
        assertThat(config.verifiedSenders().mayBlock()).isFalse();
        ClientInfo trusted =
                new ClientInfo(new InetSocketAddress("192.0.2.7", 25), new InetSocketAddress("192.0.2.1", 25));
        assertThat(config.verifiedSenders().verify(trusted, "x", ReversePath.parse("a@sender.test")))
                .isEqualTo(SenderVerification.verified("trusted-network"));
        assertThat(config.limits())
                .isEqualTo(new ServerLimits(
                        10 << 20,
                        200,
                        300,
                        40,
                        Duration.ofSeconds(6),
                        Optional.of(EarlyTalkers.IGNORE),
                        BareLineEnds.REJECT));
        assertThat(config.tls())
                .contains(new ServerConfig.Tls(List.of(
                        new ServerConfig.Tls.Pair(certificate, key), new ServerConfig.Tls.Pair(ecCertificate, ecKey))));
        assertThat(config.greylistDelay()).contains(Duration.ofMinutes(5));
        assertThat(config.postmaster()).contains(Mailbox.parse("admin@example.net"));
        assertThat(config.resolvers())
                .extracting(InetSocketAddress::toString)
                .containsExactly("/127.0.0.1:5353", "/[0:0:0:0:0:0:0:1]:53");
        assertThat(config.allowPrivateNextHops()).isTrue();
        assertThat(config.allowRoutedLocalParts()).isTrue();
    }

    @Test
    void whatIsLeftOutHasItsDefault() throws Exception {
        Path file = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: [0.0.0.0:25]
                spool: spool
                domains: {example.test: }
                """);

        ServerConfig config = ServerConfig.read(file);

        assertThat(config.limits())
                .isEqualTo(new ServerLimits(
                        62_914_560, 1000, 2000, 50, Duration.ZERO, Optional.empty(), BareLineEnds.NORMALISE));
        assertThat(config.probe())
                .isEqualTo(new ServerProbe(
                        Optional.of(ProbeDepth.RCPT),
                        Duration.ofMinutes(8),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(30),
                        2,
                        2));
        assertThat(config.rate()).isEqualTo(DeliveryRate.unlimited());
        assertThat(config.drainOrder()).isEqualTo(LeaseOrder.OLDEST);
        assertThat(config.schedule()).isEqualTo(ServerSchedule.DEFAULT);
        assertThat(config.schedule().lifetime()).contains(Duration.ofDays(14));
        assertThat(config.adminSocket()).contains(Path.of("spool/admin.sock"));
        assertThat(config.history()).contains(Path.of("spool/history"));
        assertThat(config.mode()).isEqualTo(DomainMode.ALWAYS);
        assertThat(config.transport()).isEqualTo(Transport.AUTO);
        assertThat(config.routes()).isEmpty();
        assertThat(config.tls()).isEmpty();
        assertThat(config.greylistDelay()).isEmpty();
        assertThat(config.postmaster()).isEmpty();
        assertThat(config.resolvers()).isEqualTo(List.of());
        assertThat(config.allowPrivateNextHops()).isFalse();
        assertThat(config.allowRoutedLocalParts()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "tcp, TCP",
        "banner, BANNER",
        "ehlo, EHLO",
        "starttls, STARTTLS",
        "rcpt, RCPT",
        "off,",
    })
    void everyDepthOfAProbeIsTaken(String word, @Nullable ProbeDepth depth) throws Exception {
        ServerConfig config = ServerConfig.read(minimal("spool", "probe: {depth: " + word + ", up: 1d, down: 20m}"));
        assertThat(config.probe().healthProbe().depth()).isEqualTo(Optional.ofNullable(depth));
        assertThat(config.probe().healthProbe().interval()).isEqualTo(Duration.ofDays(1));
        assertThat(config.probe().healthProbe().intervalWhileDown()).isEqualTo(Duration.ofMinutes(20));
        assertThat(config.probe().healthProbe().timeout()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void withoutASpoolDirectoryThereIsNoAdminSocketAndNoHistory() throws Exception {
        assertThat(ServerConfig.read(minimal("spool", "admin-socket: off")).adminSocket())
                .isEmpty();
        assertThat(ServerConfig.read(minimal("jdbc:h2:mem:x", "")).adminSocket())
                .isEmpty();
        assertThat(ServerConfig.read(minimal("jdbc:h2:mem:x", "")).history()).isEmpty();
        assertThat(ServerConfig.read(minimal("spool", "history: off")).history())
                .isEmpty();
        assertThat(ServerConfig.read(minimal("/" + "s".repeat(95), "")).adminSocket())
                .contains(Path.of("/" + "s".repeat(95) + "/admin.sock"));
        assertThat(ServerConfig.read(minimal("/" + "s".repeat(96), "")).adminSocket())
                .isEmpty();
    }

    private Path minimal(String spool, String more) throws IOException {
        return Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: [0.0.0.0:25]
                spool: "%s"
                domains: {example.test: }
                %s
                """.formatted(spool, more));
    }

    @Test
    void f6_ownNamesAndAddressesAndPeersAndListenersAreTheIdentity() throws Exception {
        OwnIdentity identity = ServerConfig.read(minimal("spool", """
                        own-names: [mx.example.net, MX-old.example.net.]
                        own-addresses: 203.0.113.7
                        peers: [mx3.example.net, 198.51.100.3, "2001:db8::3"]
                        """)).identity();
        assertThat(identity.names())
                .containsExactlyInAnyOrder("mx.example.net", "mx-old.example.net", "mx3.example.net");
        assertThat(identity.addresses())
                .extracting(InetAddress::getHostAddress)
                .containsExactlyInAnyOrder("203.0.113.7", "198.51.100.3", "2001:db8:0:0:0:0:0:3");
        assertThat(identity.listeners()).containsExactly(new InetSocketAddress("0.0.0.0", 25));
        assertThat(ServerConfig.read(minimal("spool", "")).identity().names()).isEmpty();
    }

    @Test
    void b2_networksMayStandWithoutDomains() throws Exception {
        Path file = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: [0.0.0.0:25]
                spool: spool
                by-destination: 192.0.2.0/24
                postmaster: admin@example.net
                """);
        ServerConfig config = ServerConfig.read(file);
        assertThat(config.domains()).isEmpty();
        assertThat(config.byDestination()).containsExactly(IpNetwork.of("192.0.2.0/24"));
    }

    @Test
    void aFileThatIsNotThereIsTold() {
        Path file = folder.resolve("none.yaml");
        assertThatThrownBy(() -> ServerConfig.read(file))
                .isInstanceOf(ConfigException.class)
                .hasMessage(file + ": no such file (expected: a YAML file)");
    }

    @Test
    void aFileThatIsNotTextIsTold() throws IOException {
        Path file =
                Files.write(folder.resolve("binary.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1, (byte) 0xc3});
        assertThatThrownBy(() -> ServerConfig.read(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(file.toString());
    }

    @Test
    void rescueHostsOfAllAreThoseOfADomainThatNamesNone() throws Exception {
        Path file = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: [127.0.0.1:2525]
                spool: data/spool
                domains:
                  one.test:
                    undelivered: {expiry: rescue, refused-content: rescue}
                  two.test:
                    undelivered: {rescue: ["store.two.test:2525", "[::1]"], expiry: rescue, refused-content: tag-and-retry}
                undelivered: {rescue: store.example.net, rescue-for: 3d}
                """);
        Map<MailDomain, ServerDomain> domains = ServerConfig.read(file).domains();
        UndeliveredPolicy common = UndeliveredPolicy.standard()
                .withRescueHosts(
                        RescueHosts.of(NextHop.parse("store.example.net")).withLifetime(Duration.ofDays(3)));
        assertThat(ServerConfig.read(file).schedule().undelivered()).isEqualTo(common);
        assertThat(domains.get(MailDomain.of("one.test"))
                        .schedule()
                        .orElseThrow()
                        .undelivered())
                .isEqualTo(common.withExpiry(ExpiryAction.rescue()).withContentRefusal(ContentRefusal.RESCUE));
        assertThat(domains.get(MailDomain.of("two.test"))
                        .schedule()
                        .orElseThrow()
                        .undelivered())
                .isEqualTo(common.withRescueHosts(
                                RescueHosts.of(NextHop.parse("store.two.test:2525"), NextHop.parse("[::1]"))
                                        .withLifetime(Duration.ofDays(3)))
                        .withExpiry(ExpiryAction.rescue())
                        .withContentRefusal(ContentRefusal.TAG_AND_RETRY));
    }

    @Test
    void aScheduleOfItsOwnTakesTheRestFromTheCommonOne() throws Exception {
        Path file = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: [127.0.0.1:2525]
                spool: data/spool
                domains:
                  one.test:
                    retry: 10m, 20m
                  two.test:
                    lifetime: unlimited
                  three.test:
                    undelivered: {expiry: drop}
                  four.test:
                retry: 1m..1h
                lifetime: 3d
                """);
        Map<MailDomain, ServerDomain> domains = ServerConfig.read(file).domains();
        ServerSchedule one = domains.get(MailDomain.of("one.test")).schedule().orElseThrow();
        assertThat(one.intervals()).isEqualTo(RetryPolicy.parse("10m, 20m"));
        assertThat(one.lifetime()).contains(Duration.ofDays(3));
        ServerSchedule two = domains.get(MailDomain.of("two.test")).schedule().orElseThrow();
        assertThat(two.intervals()).isEqualTo(RetryPolicy.parse("1m..1h"));
        assertThat(two.retryPolicy().lifetime()).isEmpty();
        ServerSchedule three =
                domains.get(MailDomain.of("three.test")).schedule().orElseThrow();
        assertThat(three.undelivered().expiry()).isEqualTo(ExpiryAction.drop());
        assertThat(three.lifetime()).contains(Duration.ofDays(3));
        assertThat(domains.get(MailDomain.of("four.test")).schedule()).isEmpty();
    }
}
