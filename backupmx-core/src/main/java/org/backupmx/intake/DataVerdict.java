package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

/** The answer to DATA: go on, or a refusal. */
public sealed interface DataVerdict {

    /**
     * The client gets 354 and sends mail data.
     *
     * @param sink where it goes
     */
    record Proceed(MailDataSink sink) implements DataVerdict {
        /** Checks the sink. */
        public Proceed {
            requireNonNull(sink, "sink");
        }
    }

    /**
     * The client gets the verdict's reply; the transaction is over.
     *
     * @param verdict not an {@link Verdict.Accept}
     */
    record Refused(Verdict verdict) implements DataVerdict {
        /** Checks the verdict. */
        public Refused {
            requireNonNull(verdict, "verdict");
            if (verdict instanceof Verdict.Accept) {
                throw new IllegalArgumentException("verdict: " + verdict + " (expected: not an Accept)");
            }
        }
    }
}
