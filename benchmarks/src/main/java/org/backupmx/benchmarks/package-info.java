/**
 * Benchmarks, one package for each part of backupmx.
 */
@NullMarked
package org.backupmx.benchmarks;

import org.jspecify.annotations.NullMarked;
