/**
 * Looking at the queue and steering it: list, flush, hold, release, delete, redirect, and how a drain goes.
 */
@NullMarked
package org.backupmx.queue;

import org.jspecify.annotations.NullMarked;
