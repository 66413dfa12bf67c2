package org.backupmx.internal.monitoring;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;

/**
 * Who offers mail to whom, so that the same one is known again: its network, its reverse-path's domain and the
 * recipient. Large senders try again from another address and with another local part (VERP), so neither counts.
 */
record Arrival(InetAddress client, ReversePath reversePath, Mailbox recipient) {

    private static final int V4_PREFIX = 24;
    private static final int V6_PREFIX = 64;

    IpNetwork network() {
        return IpNetwork.around(client, client instanceof Inet4Address ? V4_PREFIX : V6_PREFIX);
    }

    ArrivalKey key() {
        String domain = reversePath
                .mailbox()
                .map(mailbox -> mailbox.domain().toString())
                .orElse("");
        String rest = domain + ' ' + recipient.localPart().toLowerCase(Locale.ROOT) + '@' + recipient.domain();
        byte[] octets = client.getAddress();
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(octets, 0, (client instanceof Inet4Address ? V4_PREFIX : V6_PREFIX) / 8);
            digest.update((byte) octets.length); // one family's prefix is never another's
            ByteBuffer sum = ByteBuffer.wrap(digest.digest(rest.getBytes(StandardCharsets.UTF_8)));
            return new ArrivalKey(sum.getLong(), sum.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
