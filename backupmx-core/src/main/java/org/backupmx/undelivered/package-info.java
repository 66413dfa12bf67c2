/**
 * What becomes of mail that cannot be delivered, and who is told.
 */
@NullMarked
package org.backupmx.undelivered;

import org.jspecify.annotations.NullMarked;
