/** The DNS by dnsjava; the only package that knows it. */
@NullMarked
package org.backupmx.internal.dns;

import org.jspecify.annotations.NullMarked;
