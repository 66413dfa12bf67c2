package org.backupmx.smtp.internal.client;

import java.net.BindException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tells a connection that our own end could not make, for want of an address or a port, from one that the other end did not
 * take. By the kind and number of the fault: its words are in the language of the system.
 */
final class OwnEnd {

    /**
     * EACCES, EADDRINUSE and EADDRNOTAVAIL, as Netty's native transports write down what Linux returned; the JDK makes
     * {@link BindException} of the same three.
     */
    private static final Pattern NATIVE = Pattern.compile("\\(\\.\\.\\) failed with error\\(-(?:13|98|99)\\)");

    private static final int MAX_DEPTH = 10;

    private OwnEnd() {}

    static boolean failed(Throwable fault) {
        @Nullable Throwable cause = fault;
        for (int depth = 0; cause != null && depth < MAX_DEPTH; depth++) {
            if (cause instanceof BindException
                    || NATIVE.matcher(String.valueOf(cause.getMessage())).find()) {
                return true;
            }
            cause = cause.getCause();
        }
        return false;
    }
}
