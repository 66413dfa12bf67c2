/** What it costs to take a message in, from the socket to the disk. */
@NullMarked
package org.backupmx.benchmarks.intake;

import org.jspecify.annotations.NullMarked;
