package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.backupmx.mail.SmtpReply;

/** What a probe found. Immutable and thread-safe. */
public sealed interface ProbeResult {

    /**
     * The dialogue went to the depth asked for.
     *
     * @param extensions the lines of the answer to EHLO after the first, as received; empty below
     *     {@link ProbeDepth#EHLO} or after HELO
     */
    record Healthy(List<String> extensions) implements ProbeResult {
        /** Copies the extensions. */
        public Healthy {
            extensions = List.copyOf(extensions);
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
     * The primary could not be reached, or did not speak SMTP in time.
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
