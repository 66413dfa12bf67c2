/**
 * What monitoring mode has seen: who came to the backup while the primary was UP.
 */
@NullMarked
package org.backupmx.monitoring;

import org.jspecify.annotations.NullMarked;
