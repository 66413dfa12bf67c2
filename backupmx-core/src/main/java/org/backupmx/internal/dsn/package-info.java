/** Delivery status notifications (RFC 3464) for mail that failed for good. */
@NullMarked
package org.backupmx.internal.dsn;

import org.jspecify.annotations.NullMarked;
