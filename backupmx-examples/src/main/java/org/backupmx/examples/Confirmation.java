package org.backupmx.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Asks the person at the terminal. */
final class Confirmation {

    private Confirmation() {}

    /** Returns whether somebody is there and types yes. */
    static boolean given(PrintWriter out) throws IOException {
        if (!isTerminal()) {
            return false;
        }
        out.print("Type yes to go on: ");
        out.flush();
        String answer = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
        return answer != null && answer.strip().equals("yes");
    }

    /** Tells whether standard input is a terminal; where that cannot be told, it is none. */
    private static boolean isTerminal() {
        try {
            String source = Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString();
            return source.startsWith("/dev/pts/") || source.startsWith("/dev/tty") || source.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
