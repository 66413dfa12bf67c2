package org.backupmx.internal.engine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Recipient;
import org.backupmx.spool.SpoolId;
import org.jspecify.annotations.Nullable;

/**
 * Knows for a while what was accepted, so that a client that did not hear our 250 and sends the message again (RFC 1047)
 * gets the 250 of the first. In memory, the last {@value #MOST} messages at most. Thread-safe.
 *
 * <p>Two that arrive at the same time are two messages: only what is durable is known.
 */
final class Repeats {

    static final int MOST = 100_000;

    private final boolean on;
    private final Cache<ByteBuffer, SpoolId> accepted;

    Repeats(Duration window, LongSupplier nanoTime) {
        this(window, MOST, nanoTime);
    }

    Repeats(Duration window, int most, LongSupplier nanoTime) {
        on = !window.isZero();
        accepted = Caffeine.newBuilder()
                .maximumSize(most)
                .expireAfterWrite(window)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Returns a digest of the client's network, a /24 or /64, and the envelope, to go on with the mail data; null if off. */
    @Nullable
    MessageDigest digest(InetAddress client, Envelope envelope) {
        if (!on) {
            return null;
        }
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
        byte[] octets = client.getAddress();
        digest.update(octets, 0, client instanceof Inet4Address ? 3 : 8);
        digest.update((byte) octets.length); // one family's prefix is never another's
        List<String> recipients =
                envelope.recipients().stream().map(Repeats::text).sorted().toList();
        add(digest, String.valueOf(envelope.reversePath()));
        add(
                digest,
                envelope.bodyType() + " " + envelope.smtpUtf8() + " " + envelope.requireTls() + " " + envelope.dsn());
        recipients.forEach(recipient -> add(digest, recipient));
        add(digest, ""); // mail data begins
        return digest;
    }

    private static String text(Recipient recipient) {
        return recipient + " " + recipient.notifications().stream().sorted().toList() + " "
                + recipient.orcpt().orElse("");
    }

    /** No part of an envelope has a NUL in it. */
    private static void add(MessageDigest digest, String part) {
        digest.update(part.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    /** Returns the message of a whole digest, if it was accepted a while ago. */
    Optional<SpoolId> find(byte[] whole) {
        return Optional.ofNullable(accepted.getIfPresent(ByteBuffer.wrap(whole)));
    }

    /** Remembers a message that is durable. */
    void accepted(byte[] whole, SpoolId id) {
        accepted.put(ByteBuffer.wrap(whole), id);
    }
}
