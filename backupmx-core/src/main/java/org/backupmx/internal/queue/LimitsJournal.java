package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.PrimaryCapabilities;

/**
 * Remembers for 30 d what each primary takes, by its last answer to EHLO: in memory, and over
 * a restart in the series {@value #SERIES} if there is a store, a line {@code primary size smtputf8 requiretls} at the time of
 * the probe, {@code -} if it told no limit of size, 0 or 1, and {@code -} if it has not been asked inside TLS. The last line of
 * a primary counts; one of an earlier release ends before the last word. Thread-safe.
 */
final class LimitsJournal implements KeptLines.Owner {

    static final String SERIES = "limits";

    /** The most primaries that are remembered. */
    static final int MOST_PRIMARIES = 50_000;

    /**
     * What a primary said.
     *
     * @param at when
     * @param size its SIZE, {@link Long#MAX_VALUE} for none
     * @param smtpUtf8 whether it offers SMTPUTF8
     * @param requireTls whether it offers REQUIRETLS inside TLS; empty if it has not been asked there
     */
    record Answer(Instant at, long size, boolean smtpUtf8, Optional<Boolean> requireTls) {

        /** Returns what that means for mail that comes in at an instant: nothing if it was too long ago. */
        PrimaryLimits limits(Instant now) {
            return at.plus(KeptLines.KEEP).isAfter(now)
                    ? PrimaryLimits.of(size, smtpUtf8, requireTls)
                    : PrimaryLimits.UNKNOWN;
        }

        boolean isSame(Answer other) {
            return size == other.size && smtpUtf8 == other.smtpUtf8 && requireTls.equals(other.requireTls);
        }
    }

    private final KeptLines kept;
    private final EngineRuntime runtime;
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();

    LimitsJournal(Optional<HistoryStore> store, EngineRuntime runtime) {
        this.kept = new KeptLines(SERIES, store, runtime, this);
        this.runtime = runtime;
    }

    /** Takes up what was known. Blocks. */
    void start() {
        kept.start();
    }

    /** Writes what is not written yet. Blocks. */
    void write() {
        kept.write();
    }

    /** Returns what a primary said last. */
    Optional<Answer> find(List<NextHop> primary) {
        return Optional.ofNullable(answers.get(PrimaryHistory.name(primary)));
    }

    /**
     * Takes what a primary said of itself in a probe that succeeded, or a session that took mail; without extensions it said nothing, as it may have
     * been greeted by HELO, or not at all. Never blocks.
     *
     * @return what it said last
     */
    Optional<Answer> said(List<NextHop> primary, PrimaryCapabilities capabilities) {
        String name = PrimaryHistory.name(primary);
        Answer before = answers.get(name);
        if (capabilities.extensions().isEmpty()) {
            return Optional.ofNullable(before);
        }
        // in clear text nobody may offer REQUIRETLS (RFC 8689 section 2), so that says nothing
        Optional<Boolean> requireTls = capabilities.tls().isPresent()
                ? Optional.of(capabilities.offers("REQUIRETLS"))
                : Optional.ofNullable(before).flatMap(Answer::requireTls);
        Answer now = new Answer(
                runtime.now(),
                capabilities.maxMessageBytes().orElse(Long.MAX_VALUE),
                capabilities.offers("SMTPUTF8"),
                requireTls);
        if (before != null || answers.size() < MOST_PRIMARIES) {
            answers.put(name, now);
            kept.known(name, before == null || !before.isSame(now));
        }
        return Optional.of(now);
    }

    @Override
    public void read(HistoryEntry line) {
        String[] words = line.text().split(" ", -1);
        long size = words[1].equals("-") ? Long.MAX_VALUE : Long.parseLong(words[1]);
        Optional<Boolean> requireTls =
                words.length < 4 || words[3].equals("-") ? Optional.empty() : Optional.of(words[3].equals("1"));
        Answer answer = new Answer(line.at(), size, words[2].equals("1"), requireTls);
        if (answers.size() < MOST_PRIMARIES || answers.containsKey(words[0])) {
            answers.put(words[0], answer);
        }
    }

    @Override
    public Set<String> keys() {
        return Set.copyOf(answers.keySet());
    }

    @Override
    public List<HistoryEntry> lines(String primary) {
        Answer answer = answers.get(primary);
        if (answer == null) {
            return List.of();
        }
        String size = answer.size() == Long.MAX_VALUE ? "-" : "" + answer.size();
        String requireTls = answer.requireTls().map(LimitsJournal::digit).orElse("-");
        return List.of(new HistoryEntry(
                answer.at(), primary + " " + size + " " + digit(answer.smtpUtf8()) + " " + requireTls));
    }

    private static String digit(boolean value) {
        return value ? "1" : "0";
    }

    @Override
    public void forget(Instant before) {
        answers.values().removeIf(answer -> answer.at().isBefore(before));
    }
}
