/**
 * Small histories in a relational database, beside a spool or alone.
 */
@NullMarked
package org.backupmx.history.jdbc;

import org.jspecify.annotations.NullMarked;
