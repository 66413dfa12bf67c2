/** Which of the kernel's ways to sockets is used, and the proof that it works here. */
@NullMarked
package org.backupmx.smtp.internal.transport;

import org.jspecify.annotations.NullMarked;
