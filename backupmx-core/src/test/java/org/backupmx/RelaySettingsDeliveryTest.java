package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.retry.RetryPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a domain's relay settings, and the ways in which a session fails, mean for its mail; on virtual time. */
@Timeout(30)
class RelaySettingsDeliveryTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final RelaySettings ALL = RelaySettings.defaults()
            .withTls(TlsPolicy.encrypt())
            .withHeloName("out.example.net")
            .withCredentials(RelayCredentials.of("backup", "secret".toCharArray()));
    private static final RelaySettings OWN = RelaySettings.defaults().withTls(TlsPolicy.none());

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void accept(String recipient) {
        assertThat(engine.server.connect().send("a@sender.test", MAIL, recipient))
                .isInstanceOf(Verdict.Accept.class);
    }

    private void domains(NextHop... nextHops) {
        engine.builder.relayDomains(RelayDomains.of(List.of(
                RelayDomain.of("example.test").withNextHops(List.of(nextHops)),
                RelayDomain.of("second.test").withNextHops(List.of(nextHops)).withRelaySettings(OWN))));
    }

    @Test
    void mailAndProbesOfADomainGoByItsSettings() {
        engine.builder.relaySettings(ALL);
        domains(NextHop.parse("127.0.0.50:2500"));
        engine.start();
        accept("u@example.test");
        accept("u@second.test");
        engine.time.advance(Duration.ofMinutes(1));

        assertThat(engine.client.attempts())
                .extracting(request -> request.recipients().get(0).toString(), RelayRequest::settings)
                .containsExactlyInAnyOrder(tuple("u@example.test", ALL), tuple("u@second.test", OWN));
        assertThat(engine.client.probes())
                .isNotEmpty()
                .extracting(ProbeRequest::domain, ProbeRequest::settings)
                .isSubsetOf(tuple(MailDomain.of("example.test"), ALL), tuple(MailDomain.of("second.test"), OWN));
    }

    /** An operator puts another host in the primary's place while a lane begins one attempt after the other. */
    @Test
    void noHostIsGivenTheSettingsOfTheNext() {
        MailDomain domain = MailDomain.of("example.test");
        engine.builder.relaySettings(ALL).retryPolicy(RetryPolicy.intervals(Duration.ofHours(2)));
        domains(NextHop.parse("127.0.0.50:2500"));
        engine.client.reply(ForwardPath.parse("a@example.test"), SmtpReply.of(451, "4.2.1", "later"));
        engine.client.reply(ForwardPath.parse("b@example.test"), SmtpReply.of(451, "4.2.1", "later"));
        engine.start();
        accept("a@example.test");
        accept("b@example.test");
        accept("u@example.test"); // taken: the primary gets several at a time
        engine.time.advance(Duration.ofMinutes(12));
        Map<String, Set<RelaySettings>> given = new ConcurrentHashMap<>();
        engine.client.script(request -> {
            given.computeIfAbsent(request.nextHop().nextHop().host(), host -> ConcurrentHashMap.newKeySet())
                    .add(request.settings());
            engine.time.run(); // the search that began before ends now
            return engine.client.answer(request);
        });
        engine.mx.queue().redirect(domain, NextHop.parse("127.0.0.51:2500"), "me");
        engine.mx.queue().flush(domain);
        engine.time.run();
        engine.time.advance(Duration.ofMinutes(1));
        engine.mx.queue().flush(domain);
        engine.time.run();
        assertThat(given)
                .isEqualTo(Map.of(
                        "127.0.0.50",
                        Set.of(ALL),
                        "127.0.0.51",
                        Set.of(ALL.forStrangers().withTls(TlsPolicy.encrypt()))));
    }

    /** A probe may carry credentials, too. */
    @Test
    void noHostIsProbedWithTheSettingsOfTheNext() {
        MailDomain domain = MailDomain.of("example.test");
        engine.builder.relaySettings(ALL).retryPolicy(RetryPolicy.intervals(Duration.ofHours(2)));
        engine.builder.relayDomains(RelayDomains.of(
                List.of(RelayDomain.of("example.test").withNextHops(List.of(NextHop.parse("127.0.0.50:2500"))))));
        engine.client.reply(ForwardPath.parse("a@example.test"), SmtpReply.of(451, "4.2.1", "later"));
        engine.start();
        accept("a@example.test");
        engine.time.advance(Duration.ofMinutes(12));
        engine.client.script(request -> {
            engine.time.run(); // the search that began before ends now
            engine.mx.health().probe(domain);
            engine.time.run();
            return engine.client.answer(request);
        });
        engine.mx.queue().redirect(domain, NextHop.parse("127.0.0.51:2500"), "me");
        engine.mx.queue().flush(domain);
        engine.time.run();
        engine.time.advance(Duration.ofMinutes(12));
        engine.mx.queue().endRedirect(domain, "me");
        engine.mx.queue().flush(domain);
        engine.time.run();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(engine.client.probes())
                .extracting(probe -> probe.nextHop().nextHop().host(), ProbeRequest::settings)
                .contains(tuple("127.0.0.50", ALL))
                .contains(tuple("127.0.0.51", ALL.forStrangers().withTls(TlsPolicy.encrypt())))
                .doesNotContain(tuple("127.0.0.51", ALL))
                .doesNotContain(tuple("127.0.0.50", ALL.forStrangers().withTls(TlsPolicy.encrypt())));
    }

    // ---- what a failed session is about

    private final List<String> tried = new ArrayList<>();

    private void answer(Function<String, RelayResult> byAddress) {
        engine.client.script(request -> {
            String address = request.nextHop().address().getHostAddress();
            tried.add(address);
            RelayResult result = byAddress.apply(address);
            return result == null ? engine.client.answer(request) : CompletableFuture.completedFuture(result);
        });
    }

    private static RelayResult none(RelayResult.About about) {
        return new RelayResult.NoSession(SmtpReply.of(451, "4.7.5", "No session"), about);
    }

    private void twoAddressesOfOneHostAndAnother() {
        engine.resolver.host("one.test", "9.9.9.1", "9.9.9.2").host("two.test", "9.9.9.3");
        domains(NextHop.parse("one.test"), NextHop.parse("two.test"));
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
    }

    @Test
    void aFailureAboutTheAddressLeavesTheOthersOfItsHost() {
        twoAddressesOfOneHostAndAnother();
        answer(address -> address.equals("9.9.9.1") ? none(RelayResult.About.ADDRESS) : null);
        accept("u@example.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).containsExactly("9.9.9.1", "9.9.9.2");
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void aFailureAboutTheHostLeavesOtherHosts() {
        twoAddressesOfOneHostAndAnother();
        answer(address -> address.equals("9.9.9.1") ? none(RelayResult.About.HOST) : null);
        accept("u@example.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).containsExactly("9.9.9.1", "9.9.9.3");
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void aFailureOfOursTriesAllAndBlamesNobody() {
        twoAddressesOfOneHostAndAnother();
        answer(address -> none(RelayResult.About.OURSELVES));
        accept("u@example.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).containsExactly("9.9.9.1", "9.9.9.2", "9.9.9.3");
        assertThat(engine.mx
                        .health()
                        .find(MailDomain.of("example.test"))
                        .orElseThrow()
                        .found())
                .isEqualTo(PrimaryHealth.UP);
        answer(address -> null);
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void aRefusedSessionIsTroubleOfThePrimaryAndNotOfTheMessage() {
        twoAddressesOfOneHostAndAnother();
        answer(address ->
                new RelayResult.NoSession(SmtpReply.of(554, "5.3.2", "No mail is taken here"), RelayResult.About.HOST));
        accept("u@example.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).containsExactly("9.9.9.1", "9.9.9.3");
        assertThat(engine.mx
                        .health()
                        .find(MailDomain.of("example.test"))
                        .orElseThrow()
                        .found())
                .isNotEqualTo(PrimaryHealth.UP);
        assertThat(engine.events.events(RecipientFailed.class)).isEmpty();
    }

    // ---- a deferral by one of equals

    private static RelayResult deferred(String... replies) {
        return new RelayResult.Attempted(Stream.of(replies)
                .<RecipientOutcome>map(
                        reply -> new RecipientOutcome.TransientFailure(SmtpReply.of(450, "4.2.0", reply)))
                .toList());
    }

    private void equalHosts(String... records) {
        engine.resolver.mx("byname.test", records);
        engine.resolver.host("one.test", "9.9.9.1").host("two.test", "9.9.9.2").host("three.test", "9.9.9.3");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
    }

    @Test
    void whoIsDeferredByOneOfEqualsIsTriedAtOneOther() {
        equalHosts("10 one.test", "10 two.test", "10 three.test");
        answer(address -> tried.size() == 1 ? deferred("Later") : null);
        accept("u@byname.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).hasSize(2).doesNotHaveDuplicates();
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(engine.events.events(RecipientDeferred.class)).isEmpty();
    }

    @Test
    void oneOtherAndNotAll() {
        equalHosts("10 one.test", "10 two.test", "10 three.test");
        answer(address -> deferred("Later at " + address));
        accept("u@byname.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).hasSize(2);
        assertThat(engine.events.events(RecipientDeferred.class))
                .singleElement()
                .satisfies(event -> assertThat(event.reply().lines()).containsExactly("Later at " + tried.get(1)));
    }

    @Test
    void aWorsePreferenceIsNoEqual() {
        equalHosts("10 one.test", "20 two.test");
        answer(address -> deferred("Later"));
        accept("u@byname.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).containsExactly("9.9.9.1");
    }

    @Test
    void onlyWhoWasDeferredIsTriedThere() {
        equalHosts("10 one.test", "10 two.test");
        List<List<String>> asked = new ArrayList<>();
        engine.client.script(request -> {
            asked.add(request.recipients().stream().map(Recipient::toString).toList());
            if (asked.size() > 1) {
                return engine.client.answer(request);
            }
            return CompletableFuture.completedFuture(new RelayResult.Attempted(List.of(
                    new RecipientOutcome.Relayed(SmtpReply.of(250, "2.0.0", "Ok")),
                    new RecipientOutcome.TransientFailure(SmtpReply.of(450, "4.2.0", "Later")),
                    new RecipientOutcome.Unknown(SmtpReply.of(451, "4.4.2", "Lost")))));
        });
        assertThat(engine.server
                        .connect()
                        .send("a@sender.test", MAIL, "a@byname.test", "b@byname.test", "c@byname.test"))
                .isInstanceOf(Verdict.Accept.class);
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(asked)
                .containsExactly(List.of("a@byname.test", "b@byname.test", "c@byname.test"), List.of("b@byname.test"));
        assertThat(engine.events.events(RecipientRelayed.class)).hasSize(2);
        assertThat(engine.events.events(RecipientDeferred.class)).hasSize(1);
    }

    @Test
    void ifTheOtherHostGivesNoSessionTheFirstWordStands() {
        equalHosts("10 one.test", "10 two.test");
        answer(address -> tried.size() == 1 ? deferred("Later") : none(RelayResult.About.HOST));
        accept("u@byname.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(tried).hasSize(2);
        assertThat(engine.events.events(RecipientDeferred.class))
                .singleElement()
                .satisfies(event -> assertThat(event.reply().lines()).containsExactly("Later"));
    }

    @Test
    void x14_anUnknownOutcomeIsTriedAgain() {
        domains(NextHop.parse("127.0.0.50:2500"));
        engine.start();
        ForwardPath recipient = ForwardPath.parse("u@example.test");
        engine.client.loseReply(recipient);
        accept("u@example.test");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(engine.client.relayed()).hasSize(1);
        engine.client.reply(recipient, SmtpReply.of(250, "2.0.0", "Ok"));
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.client.relayed())
                .as("twice, the same octets")
                .hasSize(2)
                .extracting(mail -> mail.mailData())
                .containsOnly(engine.client.relayed().get(0).mailData());
        assertThat(engine.events.events(RecipientFailed.class)).isEmpty();
    }
}
