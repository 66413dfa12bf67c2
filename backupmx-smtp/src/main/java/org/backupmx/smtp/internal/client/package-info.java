/**
 * The sending side: connections to next hops and the dialogue on them. A connection and all that happens on it belongs to
 * one event loop; the book of connections has a lock; mail data is read on workers.
 */
@NullMarked
package org.backupmx.smtp.internal.client;

import org.jspecify.annotations.NullMarked;
