/**
 * SMTP as octets: command lines, replies and mail data, in and out. Of ours it uses {@code org.backupmx.mail} only, so
 * it can be lifted out whole.
 */
@NullMarked
package org.backupmx.smtp.internal.codec;

import org.jspecify.annotations.NullMarked;
