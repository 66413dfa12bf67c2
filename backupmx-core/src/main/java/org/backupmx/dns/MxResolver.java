package org.backupmx.dns;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.backupmx.internal.dns.DnsJavaMxResolver;
import org.backupmx.mail.MailDomain;

/**
 * The DNS as a mail server asks it: for the mail exchangers of a domain and the addresses of a host. Thread-safe; never
 * blocks.
 *
 * <p>Stages never fail for what the DNS or the network does, that is a {@code TemporaryFailure}. They may complete on a
 * thread of the resolver: what depends on one is short or moves to another thread.
 */
public interface MxResolver {

    /**
     * Returns a resolver that asks the DNS servers this machine is set up with, as they are when this is called.
     *
     * <p>It asks each server at most twice, the next one when one is silent or fails (SERVFAIL, REFUSED), so all of them
     * must validate if one is to. It gives up after 15 s in all, falls back to TCP when an answer is truncated,
     * follows at most 8 CNAMEs, and remembers answers, at most 8 MiB of them, for their time to live, at least 60 s and
     * at most 1 d; that a name or record does not exist, at most 1 h. A server's failure is not remembered. An answer
     * that is truncated over TCP as well is a failure, as what is missing may be our own name, and so is one of more than
     * {@value MxLookup#MAX_EXCHANGERS} records. An IPv6 address that maps an IPv4 one counts as that.
     *
     * @return a resolver of its own, with its own memory
     */
    static MxResolver system() {
        return DnsJavaMxResolver.system();
    }

    /**
     * Returns a resolver that asks the given DNS servers, with the bounds of {@link #system()}.
     *
     * @param servers recursive DNS servers in the order they are tried, 1 to 8
     * @return a resolver of its own, with its own memory
     * @throws IllegalArgumentException if there are none or too many, or one is not resolved
     */
    static MxResolver of(List<InetSocketAddress> servers) {
        return DnsJavaMxResolver.of(servers);
    }

    /**
     * Looks the mail exchangers of a domain up (RFC 5321 section 5.1). Answers about an address literal are
     * {@link MxLookup.NoSuchDomain}: there is nothing to look up.
     *
     * @param domain the domain
     * @return what the DNS says
     */
    CompletionStage<MxLookup> lookup(MailDomain domain);

    /**
     * Looks the addresses of a host up, IPv6 and IPv4.
     *
     * @param host a host name; one that no DNS name can be is {@link AddressLookup.NoSuchHost}
     * @return what the DNS says
     */
    CompletionStage<AddressLookup> addresses(String host);

    /**
     * Returns a view of this resolver that asks the DNS whatever is remembered, and has its answers remembered. For names
     * that are in trouble, so that their repair is seen at once.
     *
     * @return the view; this resolver itself unless it remembers answers
     */
    default MxResolver afresh() {
        return this;
    }
}
