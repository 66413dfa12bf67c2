/**
 * Whether the primary is up, by probes over the very path that mail will take.
 */
@NullMarked
package org.backupmx.health;

import org.jspecify.annotations.NullMarked;
