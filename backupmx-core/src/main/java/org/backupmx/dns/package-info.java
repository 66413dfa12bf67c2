/**
 * Mail exchangers of a domain, as values; how they were looked up stays inside.
 */
@NullMarked
package org.backupmx.dns;

import org.jspecify.annotations.NullMarked;
