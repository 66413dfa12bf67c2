/** What orders for many messages cost. */
@NullMarked
package org.backupmx.benchmarks.queue;

import org.jspecify.annotations.NullMarked;
