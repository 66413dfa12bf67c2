/**
 * SMTP on Netty: the server that takes mail in and the client that relays it. Netty does not show in any
 * signature.
 */
@NullMarked
package org.backupmx.smtp;

import org.jspecify.annotations.NullMarked;
