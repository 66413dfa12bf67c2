package org.backupmx.spool.file;

import java.util.EnumMap;
import java.util.Map;
import org.backupmx.spool.file.SimulatedDisk.Call;

/** Counts what crash histories did. */
final class CrashTally {

    private final Map<Call, Integer> points = new EnumMap<>(Call.class);
    private final Map<Call, Integer> faults = new EnumMap<>(Call.class);
    private int all;
    private int second;
    private int lives;
    private int histories;
    private int messages;
    private int settlements;

    void point(Call call) {
        all++;
        points.merge(call, 1, Integer::sum);
    }

    /** The power went again while the spool was opened. */
    void secondPoint() {
        second++;
    }

    /** A spool went on after a crash, was closed, opened and emptied. */
    void life() {
        lives++;
    }

    void fault(Call call) {
        faults.merge(call, 1, Integer::sum);
    }

    void history() {
        histories++;
    }

    void messages(int count) {
        messages += count;
    }

    void settlement() {
        settlements++;
    }

    int points() {
        return all;
    }

    int secondPoints() {
        return second;
    }

    int histories() {
        return histories;
    }

    int messages() {
        return messages;
    }

    Map<Call, Integer> pointsByCall() {
        return points;
    }

    Map<Call, Integer> faults() {
        return faults;
    }

    @Override
    public String toString() {
        return histories + " histories, " + messages + " messages, " + settlements + " settlements, " + all
                + " losses of power " + points + ", " + second + " during recovery, " + lives
                + " spools that went on, failed calls " + faults;
    }
}
