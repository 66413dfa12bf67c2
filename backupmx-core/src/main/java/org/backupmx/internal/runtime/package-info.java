/**
 * What every part of one engine runs on: its threads, its clock, its events, and what it knows of its domains.
 */
@NullMarked
package org.backupmx.internal.runtime;

import org.jspecify.annotations.NullMarked;
