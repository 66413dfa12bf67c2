/** What a durable commit costs, in our spools and below them. */
@NullMarked
package org.backupmx.benchmarks.spool;

import org.jspecify.annotations.NullMarked;
