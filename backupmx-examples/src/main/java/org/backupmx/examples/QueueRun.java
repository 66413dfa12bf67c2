package org.backupmx.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Model.CommandSpec;

/** Follows an order that runs in the server to its end, and stops it on SIGINT and SIGTERM. */
final class QueueRun {

    /** What the shell has for a process that SIGINT ended. */
    static final int INTERRUPTED = 130;

    private static final long FIRST_WAIT_NANOS = Duration.ofMillis(20).toNanos();
    private static final long MOST_WAIT_NANOS = Duration.ofMillis(500).toNanos();
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration LINE_EVERY = Duration.ofSeconds(5);

    private final AdminSocket admin;
    private final CommandSpec spec;
    private final CountDownLatch told = new CountDownLatch(1);
    private volatile boolean stopping;

    QueueRun(AdminSocket admin, CommandSpec spec) {
        this.admin = admin;
        this.spec = spec;
    }

    /** Begins what is followed. */
    interface Start {
        void start() throws IOException, ConfigException;
    }

    /** Lines such as {@code messages: 12}. */
    static Map<String, String> facts(List<String> lines) {
        Map<String, String> facts = new HashMap<>();
        for (String line : lines) {
            int colon = line.indexOf(": ");
            if (colon > 0) {
                facts.put(line.substring(0, colon), line.substring(colon + 2));
            }
        }
        return facts;
    }

    static String fact(Map<String, String> facts, String name) {
        return facts.getOrDefault(name, "");
    }

    /**
     * Starts and follows it.
     *
     * @param planned how many messages there are, 0 if that is not known
     * @return the exit code: 0 if all was done, 1 if not, 130 if it was stopped
     */
    int toTheEnd(String verb, long planned, String token, Start start) throws IOException, ConfigException {
        Thread ender = new Thread(this::end, "shutdown");
        Runtime.getRuntime().addShutdownHook(ender);
        LiveLine line = new LiveLine(spec.commandLine().getErr(), TransferProgress.isTerminal(), LINE_EVERY);
        try {
            start.start();
            Map<String, String> facts = follow(verb, planned, token, line);
            line.clear();
            return told(facts);
        } catch (IOException e) {
            throw new IOException(
                    ReferenceServer.oneLine(e) + ": what was changed before stays, the rest is as it was", e);
        } finally {
            line.clear();
            told.countDown();
            withdraw(ender);
        }
    }

    private Map<String, String> follow(String verb, long planned, String token, LiveLine line)
            throws IOException, ConfigException {
        long wait = FIRST_WAIT_NANOS;
        boolean stopped = false;
        long begun = System.nanoTime();
        while (true) {
            Map<String, String> facts = facts(admin.ask("queue", "progress", "token=" + token));
            if (!fact(facts, "end").equals("RUNNING")) {
                return facts;
            }
            if (stopping && !stopped) {
                stopped = true;
                admin.ask("queue", "stop", "token=" + token);
            }
            long done = number(facts, "changed") + number(facts, "unchanged") + number(facts, "failed");
            double seconds = (System.nanoTime() - begun) / 1e9;
            line.show(verb + ": " + done + (planned == 0 ? "" : " of " + planned) + " messages, "
                    + DrainText.rate(done / Math.max(0.001, seconds)) + " a second"
                    + DrainText.left(planned - done, done / Math.max(0.001, seconds)));
            LockSupport.parkNanos(wait);
            wait = Math.min(MOST_WAIT_NANOS, wait * 2);
        }
    }

    private static long number(Map<String, String> facts, String name) {
        return Long.parseLong(facts.getOrDefault(name, "0"));
    }

    private int told(Map<String, String> facts) {
        PrintWriter out = spec.commandLine().getOut();
        String end = fact(facts, "end");
        out.println("changed: " + fact(facts, "changed"));
        out.println("unchanged: " + fact(facts, "unchanged"));
        out.println("failed: " + fact(facts, "failed"));
        out.println("end: " + Status.word(end));
        out.flush();
        if (!fact(facts, "fault").isEmpty()) {
            spec.commandLine().getErr().println(ReferenceServer.NAME + ": " + fact(facts, "fault"));
        }
        if (end.equals("STOPPED")) {
            return INTERRUPTED;
        }
        return end.equals("COMPLETE") && fact(facts, "failed").equals("0") ? 0 : 1;
    }

    /** Runs when the process is told to end: it does when the server has stopped and that was said. */
    private void end() {
        stopping = true;
        if (!isOver(told)) {
            PrintWriter err = spec.commandLine().getErr();
            err.println(ReferenceServer.NAME + ": the server does not answer, what it was told to do may go on there");
            err.flush();
        }
    }

    /** Waits for the end of what a signal stops, for a while: a server that hangs must not keep its operator. */
    static boolean isOver(CountDownLatch end) {
        try {
            return end.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void withdraw(Thread ender) {
        try {
            Runtime.getRuntime().removeShutdownHook(ender);
        } catch (IllegalStateException e) {
            // the process ends: the exit code is the signal's
        }
    }
}
