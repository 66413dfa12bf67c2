/**
 * The queue at work: a lane for each destination domain leases what is due, relays it, and settles; a watch for each
 * primary tells the lanes whether that makes sense.
 */
@NullMarked
package org.backupmx.internal.queue;

import org.jspecify.annotations.NullMarked;
