package org.backupmx.smtp.internal.client;

import java.net.InetSocketAddress;

/**
 * What makes one connection as good as another: all that was settled before the first MAIL.
 *
 * @param address where it goes; many next hops may share it
 * @param hostname our name in EHLO
 */
record SessionKey(InetSocketAddress address, String hostname) {}
