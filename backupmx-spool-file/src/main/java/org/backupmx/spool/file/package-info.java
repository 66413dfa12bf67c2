/**
 * The file spool: {@link org.backupmx.spool.file.FileSpool} keeps queued mail in append-only segment files of one
 * directory and puts many commits under one force; {@link org.backupmx.spool.file.SpoolInspector} reads such a
 * directory without its lock. The layout of the files is in {@code docs/file-format.md}.
 */
@NullMarked
package org.backupmx.spool.file;

import org.jspecify.annotations.NullMarked;
