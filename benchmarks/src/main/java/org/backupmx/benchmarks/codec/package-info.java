/** What the codec costs, in time and in bytes allocated. */
@NullMarked
package org.backupmx.benchmarks.codec;

import org.jspecify.annotations.NullMarked;
