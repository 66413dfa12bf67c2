/**
 * What happened, one record for each kind of event, for metrics and audit.
 */
@NullMarked
package org.backupmx.event;

import org.jspecify.annotations.NullMarked;
