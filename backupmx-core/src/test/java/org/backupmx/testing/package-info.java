/**
 * For tests of what is built on the engine: virtual time, a DNS, a receiving and a sending engine without a network, and
 * a listener that keeps what it hears.
 */
@NullMarked
package org.backupmx.testing;

import org.jspecify.annotations.NullMarked;
