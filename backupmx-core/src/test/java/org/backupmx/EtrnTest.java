package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.backupmx.dns.MxLookup;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Row A15: a primary asks for its mail. */
class EtrnTest {

    private static final String PRIMARY = "127.0.0.50";

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private String etrn(String client, String domain) {
        return engine.server.connect(client).etrn(domain).reply().toString();
    }

    private void accept(int count, String domain) {
        for (int i = 0; i < count; i++) {
            engine.server.connect().send("a@sender.test", "Subject: x\r\n\r\n", "user" + i + "@" + domain);
        }
        engine.time.run();
    }

    @Test
    void a15_primaryThatWasDownGetsItsMailAtOnce() {
        engine.client.allDown();
        engine.start();
        accept(3, "example.test");
        engine.time.advance(Duration.ofHours(3));
        FakeIntakeServer.Client primary = engine.server.connect(PRIMARY); // which makes a probe that fails
        engine.time.run();
        int probes = engine.client.probes().size();
        engine.client.allUp();

        assertThat(primary.etrn("Example.TEST").reply())
                .hasToString("252 2.0.0 Pending messages for example.test started, with a probe first");
        engine.time.run(); // and no time passes
        assertThat(engine.client.probes()).hasSize(probes + 1);
        assertThat(engine.client.relayed()).hasSize(3);
        assertThat(etrn(PRIMARY, "example.test")).startsWith("251 2.0.0 No messages waiting");
    }

    @Test
    void a15_primaryThatAsksAndDoesNotAnswerStaysDown() {
        engine.client.allDown();
        engine.start();
        accept(3, "example.test");
        engine.time.advance(Duration.ofHours(3));
        int attempts = engine.client.attempts().size();
        for (int i = 0; i < 5; i++) {
            assertThat(etrn(PRIMARY, "example.test")).startsWith("252 ");
            engine.time.run();
        }
        assertThat(engine.client.attempts()).hasSize(attempts);
        assertThat(engine.client.relayed()).isEmpty();
    }

    @Test
    void a15_primaryThatIsUpGetsWhatIsNotDueYet() {
        engine.start();
        engine.time.run();
        replyToUsers(SmtpReply.of(450, "4.2.1", "Later"));
        accept(2, "example.test");
        replyToUsers(SmtpReply.of(250, "2.0.0", "Ok"));
        assertThat(engine.client.relayed()).isEmpty();
        engine.time.advance(Duration.ofSeconds(1));

        assertThat(etrn(PRIMARY, "example.test")).isEqualTo("253 2.0.0 2 pending messages for example.test started");
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(2);
    }

    private void replyToUsers(SmtpReply reply) {
        engine.client.reply(ForwardPath.parse("user0@example.test"), reply);
        engine.client.reply(ForwardPath.parse("user1@example.test"), reply);
    }

    @Test
    void a15_primaryByMxMayAskAndNobodyElse() {
        engine.client.allDown();
        engine.start();
        accept(1, "byname.test");
        assertThat(etrn("9.9.9.10", "byname.test")).startsWith("25");
        for (String client : List.of("192.0.2.10", PRIMARY, "2001:db8::1", "9.9.9.9")) {
            assertThat(etrn(client, "byname.test")).startsWith("459 4.7.1 Node byname.test not allowed");
        }
        // what is not ours is refused in the same words
        assertThat(etrn(PRIMARY, "sender.test")).startsWith("459 4.7.1 Node sender.test not allowed");
        assertThat(etrn(PRIMARY, "sub.example.test")).startsWith("459 4.7.1");
        assertThat(etrn(PRIMARY, "[127.0.0.50]")).startsWith("459 4.7.1");
    }

    @Test
    void a15_primaryThatTheDnsDoesNotTellIsNotGuessed() {
        engine.resolver.lookup("byname.test", new MxLookup.TemporaryFailure("timeout"));
        engine.start();
        assertThat(etrn("9.9.9.10", "byname.test")).startsWith("458 4.4.3");
    }

    @Test
    void a15_heldMessagesAreNotSaidToStart() throws Exception {
        engine.client.allDown();
        engine.start();
        accept(2, "example.test");
        List<SpoolId> ids =
                engine
                        .mx
                        .queue()
                        .find(SpoolFilter.all().domain(MailDomain.of("example.test")), Optional.empty(), 10)
                        .stream()
                        .map(message -> message.message().id())
                        .toList();
        engine.mx.queue().hold(ids.get(0));
        assertThat(etrn(PRIMARY, "example.test")).startsWith("25");
        engine.mx.queue().hold(ids.get(1));
        assertThat(etrn(PRIMARY, "example.test")).startsWith("458 4.3.0 All messages for example.test are held");
    }

    @Test
    void a15_askingIsBoundedForEachClient() {
        engine.start();
        for (int i = 0; i < 100; i++) {
            assertThat(etrn(PRIMARY, "example.test")).startsWith("251 ");
            assertThat(etrn("2001:db8::" + i, "example.test")).startsWith("459 ");
        }
        assertThat(etrn(PRIMARY, "example.test")).startsWith("458 4.7.0");
        assertThat(etrn("2001:db8::ffff", "example.test")).startsWith("458 4.7.0");
        assertThat(etrn("2001:db8:0:1::1", "example.test")).startsWith("459 ");
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(etrn(PRIMARY, "example.test")).startsWith("251 ");
    }
}
