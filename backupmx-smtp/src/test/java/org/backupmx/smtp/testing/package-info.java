/** What tests of an SMTP engine need: dialogues as files, and peers that do as they are told. */
@NullMarked
package org.backupmx.smtp.testing;

import org.jspecify.annotations.NullMarked;
