package org.backupmx.dns;

import static java.util.Objects.requireNonNull;

import java.util.List;

/** What the DNS says of a domain's mail exchangers. Immutable and thread-safe. */
public sealed interface MxLookup {

    /** The most mail exchangers of an answer: {@value}. All are kept, as any of them may be us. */
    int MAX_EXCHANGERS = 500;

    /**
     * The domain has mail exchangers.
     *
     * @param exchangers 1 to {@value MxLookup#MAX_EXCHANGERS} mail exchangers, in no particular order
     */
    record Found(List<MailExchanger> exchangers) implements MxLookup {
        /** Copies and checks the exchangers. */
        public Found {
            exchangers = List.copyOf(exchangers);
            if (exchangers.isEmpty() || exchangers.size() > MAX_EXCHANGERS) {
                throw new IllegalArgumentException(
                        "exchangers: " + exchangers.size() + " (expected: 1 to " + MAX_EXCHANGERS + ")");
            }
        }
    }

    /**
     * The domain exists and has no MX record: its own addresses take its mail.
     *
     * @param host the host that does: the domain itself
     */
    record ImplicitMx(String host) implements MxLookup {
        /** Checks the host. */
        public ImplicitMx {
            requireNonNull(host, "host");
        }
    }

    /** The domain says that it takes no mail (RFC 7505). */
    record NullMx() implements MxLookup {}

    /** There is no such domain (NXDOMAIN). */
    record NoSuchDomain() implements MxLookup {}

    /**
     * The DNS gave no answer that counts: no server answered in time, a server failed, an answer made no sense.
     *
     * @param reason what happened, for operators
     */
    record TemporaryFailure(String reason) implements MxLookup {
        /** Checks the reason. */
        public TemporaryFailure {
            requireNonNull(reason, "reason");
        }
    }
}
