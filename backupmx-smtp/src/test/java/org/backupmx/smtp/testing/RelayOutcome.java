package org.backupmx.smtp.testing;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.MailData;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;

/** Relays one message to a {@link FakePrimary} and tells in one line what became of it. */
public final class RelayOutcome {

    /** A small message with a dot at the start of a line. */
    public static final byte[] BODY = "Subject: x\r\n\r\none\r\n.two\r\n".getBytes(StandardCharsets.US_ASCII);

    private RelayOutcome() {}

    /** Makes an attempt: {@code host} is what the next hop is called. */
    public static RelayRequest request(
            FakePrimary primary, String host, RelaySettings settings, byte[] body, String... recipients) {
        Envelope.Builder builder = Envelope.from(ReversePath.parse("from@sender.test"));
        for (String recipient : recipients) {
            builder.to(Recipient.of(ForwardPath.parse(recipient)));
        }
        Envelope envelope = builder.build();
        return new RelayRequest(
                new NextHopAddress(new NextHop(host, primary.port()), primary.address()),
                "mx2.test",
                envelope,
                envelope.recipients(),
                data(body),
                settings);
    }

    /** Returns the attempt of the same message with REQUIRETLS. */
    public static RelayRequest withRequireTls(RelayRequest request) {
        Envelope.Builder envelope =
                Envelope.from(request.envelope().reversePath()).requireTls(true);
        request.recipients().forEach(envelope::to);
        return new RelayRequest(
                request.nextHop(),
                request.hostname(),
                envelope.build(),
                request.recipients(),
                request.mailData(),
                request.settings());
    }

    /** Returns mail data that is in memory, and says nothing of that. */
    public static MailData data(byte[] body) {
        return new MailData() {
            @Override
            public long sizeBytes() {
                return body.length;
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(body);
            }
        };
    }

    /** Makes the attempt and waits for its end. */
    public static String of(RelayClient client, RelayRequest request) throws Exception {
        return text(client.relay(request).toCompletableFuture().get(20, TimeUnit.SECONDS));
    }

    /** Relays {@link #BODY} to one recipient of {@code primary.test}, by the settings. */
    public static String of(RelayClient client, FakePrimary primary, RelaySettings settings) throws Exception {
        return of(client, request(primary, "primary.test", settings, BODY, "a@example.test"));
    }

    /** Returns a result as one line; what is the same for all recipients once. */
    public static String text(RelayResult result) {
        if (result instanceof RelayResult.NoSession no) {
            return "NoSession " + no.about() + " " + no.reply();
        }
        List<String> outcomes = ((RelayResult.Attempted) result)
                .outcomes().stream()
                        .map(outcome -> outcome.getClass().getSimpleName() + " " + outcome.reply())
                        .toList();
        return outcomes.stream().distinct().count() == 1
                ? outcomes.get(0)
                : outcomes.stream().collect(Collectors.joining(" | "));
    }
}
