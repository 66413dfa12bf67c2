/**
 * Greylisting: first attempts of unknown triplets are deferred, real senders come back.
 */
@NullMarked
package org.backupmx.greylist;

import org.jspecify.annotations.NullMarked;
