/**
 * Looking at the queue and steering it: flush, hold, release, find.
 */
@NullMarked
package org.backupmx.queue;

import org.jspecify.annotations.NullMarked;
