/**
 * Monitoring mode: who is told to use the primary, who is let in all the same, and what is remembered of both.
 */
@NullMarked
package org.backupmx.internal.monitoring;

import org.jspecify.annotations.NullMarked;
