package org.backupmx.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.transfer.SpoolExport;
import org.backupmx.spool.transfer.TransferResult;
import org.backupmx.spool.transfer.TransferWatcher;

/** Exports out of a running server, one at a time, each on a thread of its own. Thread-safe. */
final class QueueExports {

    private static final int MOST_KEPT = 16;

    private final Map<String, Export> exports = new LinkedHashMap<>(); // guarded by this

    /** One export; its counts are what it has come to. */
    private static final class Export implements TransferWatcher {
        private final AtomicLong messages = new AtomicLong();
        private final AtomicLong failed = new AtomicLong();
        private volatile String fault = "";
        private volatile String end = "RUNNING";
        private volatile boolean stopping;

        @Override
        public void transferred(String name, long mailDataBytes) {
            messages.incrementAndGet();
        }

        @Override
        public void failed(String name, String reason) {
            failed.incrementAndGet();
            fault = name + ": " + reason;
        }

        @Override
        public boolean goesOn() {
            return !stopping;
        }

        void run(ReadableSpool view, Path to, boolean mbox) {
            SpoolExport export = SpoolExport.of(view).withWatcher(this);
            try {
                TransferResult result = mbox ? export.toMbox(to) : export.toDirectory(to);
                end = result.stopped() ? "STOPPED" : "COMPLETE";
            } catch (IOException | RuntimeException e) {
                fault = ReferenceServer.oneLine(e);
                end = "GIVEN_UP";
            }
        }

        List<String> lines() {
            return List.of(
                    "end: " + end,
                    "planned: 0",
                    "changed: " + messages,
                    "unchanged: 0",
                    "failed: " + failed,
                    "fault: " + TerminalText.of(fault));
        }
    }

    /** Begins an export and returns its token. */
    synchronized List<String> start(ReadableSpool view, Path to, boolean mbox) throws IOException {
        if (!to.isAbsolute()) {
            throw AdminRequests.wrong(to.toString(), "an absolute path");
        }
        if (exports.values().stream().anyMatch(one -> one.end.equals("RUNNING"))) {
            throw new IOException("queue export: another one runs (expected: one at a time)");
        }
        exports.keySet().removeIf(token -> exports.size() >= MOST_KEPT);
        String token = UUID.randomUUID().toString();
        Export export = new Export();
        exports.put(token, export);
        Thread thread = new Thread(() -> export.run(view, to, mbox), "admin-export");
        thread.setDaemon(true);
        thread.start();
        return List.of("token: " + token);
    }

    synchronized Optional<List<String>> progress(String token) {
        return Optional.ofNullable(exports.get(token)).map(Export::lines);
    }

    synchronized void stop(String token) {
        Export export = exports.get(token);
        if (export != null) {
            export.stopping = true;
        }
    }
}
