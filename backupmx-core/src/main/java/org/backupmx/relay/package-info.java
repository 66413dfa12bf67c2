/**
 * Mail on its way to a next hop: the port that a sending engine implements, what it is asked, what it answers, and the
 * route that decides which next hops there are.
 */
@NullMarked
package org.backupmx.relay;

import org.jspecify.annotations.NullMarked;
