package org.backupmx.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.spool.SpoolId;
import org.junit.jupiter.api.Test;

/** What of an envelope makes another message, and how many are known. */
class RepeatsTest {

    private static final int KNOWN = 100;

    private final AtomicLong nanos = new AtomicLong();
    private final Repeats repeats = new Repeats(Duration.ofHours(1), KNOWN, nanos::get);
    private final InetAddress client = InetAddress.getLoopbackAddress();

    private static Recipient to(String path) {
        return Recipient.of(ForwardPath.parse(path));
    }

    private byte[] digest(Recipient recipient, Consumer<Envelope.Builder> change) {
        Envelope.Builder envelope =
                Envelope.from(ReversePath.parse("a@sender.test")).to(recipient);
        change.accept(envelope);
        MessageDigest digest = Objects.requireNonNull(repeats.digest(client, envelope.build()));
        return digest.digest(new byte[] {'x'});
    }

    @Test
    void whatThePrimaryOrTheSenderMayTellApartIsAnotherMessage() {
        List<byte[]> all = List.of(
                digest(to("u@example.test"), e -> {}),
                digest(to("v@example.test"), e -> {}),
                digest(to("u@example.test").withNotify(Set.of(Notify.FAILURE)), e -> {}),
                digest(to("u@example.test").withNotify(Set.of(Notify.FAILURE, Notify.DELAY)), e -> {}),
                digest(to("u@example.test").withOrcpt("rfc822;u@example.test"), e -> {}),
                digest(to("u@example.test"), e -> e.to(to("v@example.test"))),
                digest(to("u@example.test"), e -> e.bodyType(BodyType.EIGHT_BIT_MIME)),
                digest(to("u@example.test"), e -> e.smtpUtf8(true)),
                digest(to("u@example.test"), e -> e.requireTls(true)),
                digest(to("u@example.test"), e -> e.dsn(DsnParameters.none().withEnvid("1"))),
                digest(to("u@example.test"), e -> e.dsn(DsnParameters.none().withRet(Ret.FULL))));
        assertThat(all.stream().map(ByteBuffer::wrap)).doesNotHaveDuplicates();
    }

    @Test
    void whatAClientSaysOfTheSizeMakesNoDifference() {
        assertThat(digest(to("u@example.test"), e -> e.declaredBytes(1)))
                .isEqualTo(digest(to("u@example.test"), e -> {}));
    }

    @Test
    void theNumberOfThoseKnownIsBounded() {
        for (int i = 0; i < 2 * KNOWN; i++) {
            repeats.accepted(ByteBuffer.allocate(32).putInt(i).array(), new SpoolId(String.valueOf(i)));
        }
        long known = 0;
        for (int i = 0; i < 2 * KNOWN; i++) {
            known += repeats.find(ByteBuffer.allocate(32).putInt(i).array()).isPresent() ? 1 : 0;
        }
        assertThat(known).isEqualTo(KNOWN);
    }
}
