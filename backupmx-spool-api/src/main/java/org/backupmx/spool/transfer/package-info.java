/**
 * Mail out of a spool and into one: {@link org.backupmx.spool.transfer.SpoolExport} writes the queued messages of any
 * spool as files, {@link org.backupmx.spool.transfer.SpoolImport} puts such files into any spool. The files are drawn in
 * {@code docs/spool-tools.md}. Needs nothing but the JDK.
 */
@NullMarked
package org.backupmx.spool.transfer;

import org.jspecify.annotations.NullMarked;
