/**
 * What STARTTLS needs: certificates and keys from PEM files, the choice among them by server name, and their renewal
 * while the server runs.
 */
@NullMarked
package org.backupmx.smtp.internal.tls;

import org.jspecify.annotations.NullMarked;
