/**
 * What may come in: the port that a receiving engine implements and is called through, and the policies that decide on
 * clients, reverse-paths and recipients.
 *
 * <p>The engine owns the protocol (which verb may follow which, pipelining, line limits); this package owns what is
 * allowed in.
 */
@NullMarked
package org.backupmx.intake;

import org.jspecify.annotations.NullMarked;
