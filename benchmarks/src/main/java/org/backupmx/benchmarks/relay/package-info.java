/** How fast mail goes home. */
@NullMarked
package org.backupmx.benchmarks.relay;

import org.jspecify.annotations.NullMarked;
