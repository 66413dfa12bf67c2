/**
 * Small histories beside the spool: lines with a time, in named series, that survive a restart.
 *
 * <p>{@link org.backupmx.history.HistoryStore} is what every store implements; its rules are numbered in
 * {@code docs/spool-spi.md} (H1 to H6) and each has a test in the test kit. Meant for the uptime of primaries, for
 * attempts counted in monitoring mode, for operators' overrides; never for mail.
 */
@NullMarked
package org.backupmx.history;

import org.jspecify.annotations.NullMarked;
