/**
 * The spool SPI: durable storage of accepted mail, asked by destination domain and due time.
 *
 * <p>{@link org.backupmx.spool.Spool} is what every spool implements; the rules are numbered in
 * {@code docs/spool-spi.md} and each has a test in the test kit. What operators ask of a spool
 * ({@link org.backupmx.spool.FindableSpool}, {@link org.backupmx.spool.HoldableSpool},
 * {@link org.backupmx.spool.DeletableSpool}, {@link org.backupmx.spool.ReschedulableSpool},
 * {@link org.backupmx.spool.ResettableSpool},
 * {@link org.backupmx.spool.RecipientReadableSpool}), and other orders of leasing
 * ({@link org.backupmx.spool.OrderedSpool}), are interfaces of their own that a spool may implement too.
 */
@NullMarked
package org.backupmx.spool;

import org.jspecify.annotations.NullMarked;
