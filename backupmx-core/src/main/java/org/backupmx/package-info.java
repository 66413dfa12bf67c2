/**
 * The entry: build a backup MX, start it, look at it, close it.
 */
@NullMarked
package org.backupmx;

import org.jspecify.annotations.NullMarked;
