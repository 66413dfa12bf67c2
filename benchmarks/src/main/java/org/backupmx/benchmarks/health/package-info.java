/** What it costs to watch primaries. */
@NullMarked
package org.backupmx.benchmarks.health;

import org.jspecify.annotations.NullMarked;
