package org.backupmx.intake;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;

/**
 * What a receiving engine asks for one connection: once for each well-formed verb in its right place.
 *
 * <p>One call at a time: the next comes only after the stage before has completed. Methods may be called on an event
 * loop and never block; what takes time completes its stage later, on any thread. A stage that fails is answered with
 * 451 4.3.0. The engine never calls with a malformed or misplaced command.
 */
public interface IntakeSession {

    /**
     * Tells that the connection is now protected by TLS; a new {@link #helo} follows.
     *
     * @param protocol the TLS version, for example {@code TLSv1.3}
     * @param cipherSuite the cipher suite's standard name
     */
    void secured(String protocol, String cipherSuite);

    /**
     * Decides on HELO or EHLO. It also ends any transaction under way.
     *
     * @param name the client's name as given, checked for syntax only
     * @param extended true for EHLO
     * @return the verdict; an accepted EHLO gets the engine's own reply
     */
    CompletionStage<Verdict> helo(String name, boolean extended);

    /**
     * Tells whether REQUIRETLS (RFC 8689) is offered: asked after each accepted EHLO inside TLS, and nowhere else. MAIL has it
     * only where it was offered. Answered at once.
     *
     * @return true if such mail can be sent on as it demands, for some recipient at least; an intake that says nothing of it
     *     does not offer it
     */
    default boolean offersRequireTls() {
        return false;
    }

    /**
     * Decides on MAIL and begins a transaction if accepted.
     *
     * @param path the reverse-path
     * @param parameters its parameters
     * @return the verdict
     */
    CompletionStage<Verdict> mail(ReversePath path, MailParameters parameters);

    /**
     * Decides on RCPT and adds the recipient if accepted.
     *
     * @param path the forward-path; a bare {@code <postmaster>} is asked by {@link #postmaster}
     * @param parameters its parameters
     * @return the verdict
     */
    CompletionStage<Verdict> rcpt(ForwardPath path, RcptParameters parameters);

    /**
     * Decides on {@code RCPT TO:<postmaster>} without a domain (RFC 5321 section 4.5.1) and adds its mailbox.
     *
     * @param parameters its parameters
     * @return the verdict
     */
    CompletionStage<Verdict> postmaster(RcptParameters parameters);

    /**
     * Decides on DATA or the first BDAT (RFC 3030), after at least one accepted recipient.
     *
     * @return where mail data goes, or a refusal
     */
    CompletionStage<DataVerdict> data();

    /**
     * Decides on ETRN (RFC 1985): the client asks that what is queued for a domain be attempted now. Not called within a
     * transaction.
     *
     * @param domain the domain
     * @return the verdict, with a reply of RFC 1985 section 5.3; an intake without a queue of its own rejects, the default
     */
    default CompletionStage<Verdict> etrn(MailDomain domain) {
        return CompletableFuture.completedFuture(
                new Verdict.Reject(SmtpReply.of(502, "5.5.1", "Command not implemented")));
    }

    /** Ends the transaction under way, if there is one. Not called while mail data is being taken. */
    void reset();

    /** Ends the session: the connection is gone. Whatever was not finished is abandoned. */
    void close();
}
