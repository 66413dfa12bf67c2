package org.backupmx.smtp.internal.transport;

import java.io.FileNotFoundException;

/** Why a transport does not work, on one line. */
final class Reason {

    private static final int MAX_CAUSES = 20;

    private Reason() {}

    /** Tells what is at the bottom of a failure. */
    static String of(Throwable failure) {
        Throwable deepest = failure;
        for (int i = 0; i < MAX_CAUSES && deepest.getCause() != null; i++) {
            deepest = deepest.getCause();
        }
        String message =
                String.valueOf(deepest.getMessage()).lines().findFirst().orElse("");
        if (deepest instanceof ClassNotFoundException || deepest instanceof NoClassDefFoundError) {
            return "no class " + message.replace('/', '.');
        }
        return deepest instanceof FileNotFoundException ? "no " + message : message;
    }
}
