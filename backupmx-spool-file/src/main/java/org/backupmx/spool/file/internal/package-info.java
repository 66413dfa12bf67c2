/** The lock of a directory, which the spool and the history share. */
@NullMarked
package org.backupmx.spool.file.internal;

import org.jspecify.annotations.NullMarked;
