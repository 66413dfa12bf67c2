package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.Collection;
import java.util.List;
import org.backupmx.mail.ReversePath;

/**
 * The rule for whether a message comes from who its reverse-path says. Asked once for a mail transaction, before its mail
 * data, and never about a null reverse-path. What it answers is kept with the message; mail from senders that are not
 * verified is accepted all the same. Implementations are thread-safe.
 */
@FunctionalInterface
public interface SenderVerifier {

    /**
     * Decides on one transaction.
     *
     * @param client who sends
     * @param helo what it said in HELO or EHLO
     * @param reversePath the reverse-path, not the null one
     * @return the verdict
     * @throws Exception if it cannot be told; the sender is not verified then
     */
    SenderVerification verify(ClientInfo client, String helo, ReversePath reversePath) throws Exception;

    /**
     * Tells whether {@link #verify} may wait, for the DNS or a database. It is then asked on a worker, within the policy
     * timeout, and else on the event loop.
     *
     * @return true unless an implementation says otherwise
     */
    default boolean mayBlock() {
        return true;
    }

    /**
     * Returns the verifier that verifies nobody.
     *
     * @return the verifier
     */
    static SenderVerifier none() {
        return NoSender.INSTANCE;
    }

    /**
     * Returns the verifier that believes clients in some networks, {@code trusted-network}: hosts that answer for what they
     * send.
     *
     * @param networks the networks
     * @return the verifier
     */
    static SenderVerifier networks(Collection<IpNetwork> networks) {
        return new TrustedNetworks(List.copyOf(networks));
    }

    /**
     * Returns the verifier that believes clients whose log-in a trusted proxy has told ({@link ClientInfo#login}),
     * {@code login}.
     *
     * @return the verifier
     */
    static SenderVerifier login() {
        return Login.INSTANCE;
    }

    /**
     * Returns the verifier that asks this one and then, about senders that it does not verify, another.
     *
     * @param other asked second
     * @return the verifier
     */
    default SenderVerifier or(SenderVerifier other) {
        return new EitherVerifier(this, requireNonNull(other, "other"));
    }
}
