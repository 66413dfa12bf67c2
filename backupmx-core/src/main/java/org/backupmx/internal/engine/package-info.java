/**
 * The wiring of one backup MX: its life from start to end, and what is allowed in.
 */
@NullMarked
package org.backupmx.internal.engine;

import org.jspecify.annotations.NullMarked;
