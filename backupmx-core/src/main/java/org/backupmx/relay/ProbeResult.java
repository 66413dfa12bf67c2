package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import org.backupmx.mail.SmtpReply;

/** What a probe found. Immutable and thread-safe. */
public sealed interface ProbeResult {

    /**
     * The dialogue went to the depth asked for.
     *
     * @param capabilities what the primary said of itself on the way
     */
    record Healthy(PrimaryCapabilities capabilities) implements ProbeResult {
        /** Checks the capabilities. */
        public Healthy {
            requireNonNull(capabilities, "capabilities");
        }
    }

    /**
     * The primary is there and refused.
     *
     * @param reply its reply, 4yz or 5yz
     */
    record Refused(SmtpReply reply) implements ProbeResult {
        /** Checks the reply. */
        public Refused {
            requireNonNull(reply, "reply");
        }
    }

    /**
     * The primary could not be reached, did not speak SMTP in time, or TLS was asked for and could not be had.
     *
     * @param reason what happened, for operators
     */
    record Unreachable(String reason) implements ProbeResult {
        /** Checks the reason. */
        public Unreachable {
            requireNonNull(reason, "reason");
        }
    }
}
