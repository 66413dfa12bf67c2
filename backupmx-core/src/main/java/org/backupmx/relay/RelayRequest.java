package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Recipient;

/**
 * One attempt of one message. Immutable and thread-safe.
 *
 * @param nextHop where to connect
 * @param hostname our name, for EHLO unless the settings have another
 * @param envelope the message's envelope: reverse-path and parameters are taken from it. With REQUIRETLS (RFC 8689) it goes
 *     inside TLS that met a policy which {@link TlsPolicy#isAuthenticating() authenticates}, to a next hop that offers
 *     REQUIRETLS there, or not at all: without such TLS the result is a 4yz, without the offer 550 5.7.30
 * @param recipients which of its recipients to attempt, at least one
 * @param mailData the mail data
 * @param settings how we present ourselves and what we demand
 */
public record RelayRequest(
        NextHopAddress nextHop,
        String hostname,
        Envelope envelope,
        List<Recipient> recipients,
        MailData mailData,
        RelaySettings settings) {

    /** Checks and copies the parts. */
    public RelayRequest {
        requireNonNull(nextHop, "nextHop");
        requireNonNull(hostname, "hostname");
        requireNonNull(envelope, "envelope");
        recipients = List.copyOf(recipients);
        requireNonNull(mailData, "mailData");
        requireNonNull(settings, "settings");
        if (recipients.isEmpty()) {
            throw new IllegalArgumentException("recipients: [] (expected: at least one)");
        }
    }

    /**
     * Makes an attempt with {@link RelaySettings#defaults()}.
     *
     * @param nextHop where to connect
     * @param hostname our name for EHLO
     * @param envelope the message's envelope
     * @param recipients which of its recipients to attempt, at least one
     * @param mailData the mail data
     */
    public RelayRequest(
            NextHopAddress nextHop, String hostname, Envelope envelope, List<Recipient> recipients, MailData mailData) {
        this(nextHop, hostname, envelope, recipients, mailData, RelaySettings.defaults());
    }
}
