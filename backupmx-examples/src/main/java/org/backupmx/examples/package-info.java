/**
 * The reference server and the examples that the documentation shows.
 */
@NullMarked
package org.backupmx.examples;

import org.jspecify.annotations.NullMarked;
