package org.backupmx.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.CountDownLatch;
import org.backupmx.spool.transfer.TransferResult;
import org.backupmx.spool.transfer.TransferWatcher;
import picocli.CommandLine.Model.CommandSpec;

/** Runs an export or import with progress and a clean end on SIGINT and SIGTERM. */
final class TransferCommand {

    /** What the shell has for a process that SIGINT ended. */
    private static final int INTERRUPTED = 130;

    private final CommandSpec spec;

    TransferCommand(CommandSpec spec) {
        this.spec = spec;
    }

    /** An export or import. */
    interface Transfer {
        TransferResult run(TransferWatcher watcher) throws IOException;
    }

    /**
     * Runs a transfer and says what came of it.
     *
     * @param total how many messages there are
     * @return the exit code
     */
    int run(long total, Transfer transfer) throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        TransferProgress progress =
                new TransferProgress(spec.name(), total, err, TransferProgress.isTerminal(), System::nanoTime);
        CountDownLatch told = new CountDownLatch(1);
        Thread ender = new Thread(() -> end(progress, told), "shutdown");
        Runtime.getRuntime().addShutdownHook(ender);
        try {
            TransferResult result = transfer.run(progress);
            progress.clear();
            return told(result);
        } finally {
            progress.clear();
            told.countDown();
            withdraw(ender);
        }
    }

    /** Runs when the process is told to end: it does when the message under way is whole and that was said. */
    private static void end(TransferProgress progress, CountDownLatch told) {
        progress.stop();
        try {
            told.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void withdraw(Thread ender) {
        try {
            Runtime.getRuntime().removeShutdownHook(ender);
        } catch (IllegalStateException e) {
            // the process ends: the exit code is the signal's
        }
    }

    private int told(TransferResult result) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("messages: " + result.messages());
        out.println("mail-data-bytes: " + result.mailDataBytes());
        out.println("already: " + result.already());
        out.println("failed: " + result.failed());
        out.println("complete: " + result.isComplete());
        out.flush();
        if (result.stopped()) {
            return INTERRUPTED;
        }
        return result.failed() == 0 ? 0 : 1;
    }
}
