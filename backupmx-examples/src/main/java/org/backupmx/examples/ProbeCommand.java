package org.backupmx.examples;

import picocli.CommandLine.Command;

/** Has a running server probe a primary. */
@Command(
        name = "probe",
        description =
                "Has a running server probe a domain's primary now, and prints what is known then, one «name: value»"
                        + " a line. Exit code 0 whatever it found, 1 if no server is running.",
        mixinStandardHelpOptions = true)
final class ProbeCommand extends DomainCommand {}
