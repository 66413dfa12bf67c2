/**
 * What RFC 5321 calls things, as immutable values: mailboxes, paths, the envelope, replies and enhanced status codes.
 */
@NullMarked
package org.backupmx.mail;

import org.jspecify.annotations.NullMarked;
