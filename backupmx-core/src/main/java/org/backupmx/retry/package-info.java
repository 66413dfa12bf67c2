/**
 * When a deferred message is tried again, and when it is given up.
 */
@NullMarked
package org.backupmx.retry;

import org.jspecify.annotations.NullMarked;
