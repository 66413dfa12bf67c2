package org.backupmx.examples;

import picocli.CommandLine.Command;

/** Has a running server believe the refusals of a primary. */
@Command(
        name = "believe",
        description =
                "Has a running server believe a domain's primary that refuses so much mail for good that the server kept it:"
                        + " status shows the domain as REJECTING, with the reply as its cause. What is refused in those"
                        + " words within the next day fails.",
        mixinStandardHelpOptions = true)
final class BelieveCommand extends DomainCommand {}
