/**
 * The test kit of the spool SPI: one test for each rule of {@code docs/spool-spi.md}, and a spool in memory.
 *
 * <p>Who implements a spool writes one test class that implements {@link org.backupmx.spool.testkit.SpoolContract} and
 * the other contracts that apply, and says in {@link org.backupmx.spool.testkit.SpoolFixture} how to make the spool.
 * A history store is proved likewise: {@link org.backupmx.spool.testkit.HistoryStoreContract}, rules H1 to H6. Who uses a
 * spool in tests takes {@link org.backupmx.spool.testkit.InMemorySpool}.
 */
@NullMarked
package org.backupmx.spool.testkit;

import org.jspecify.annotations.NullMarked;
