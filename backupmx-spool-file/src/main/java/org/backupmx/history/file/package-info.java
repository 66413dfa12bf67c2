/**
 * Small histories in text files, one for each series. {@code docs/file-format.md} tells what stands in them.
 */
@NullMarked
package org.backupmx.history.file;

import org.jspecify.annotations.NullMarked;
