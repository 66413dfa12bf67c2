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
    private int spoiled;
    private int refusedOpenings;
    private int damagedOpenings;
    private int otherOpenings;

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

    /** A page of the disk went bad while the spool ran. */
    void spoiled() {
        spoiled++;
    }

    /** A spool was opened, or was not, on a disk that could not read all. */
    void opening(boolean refused, boolean damaged) {
        refusedOpenings += refused ? 1 : 0;
        damagedOpenings += damaged ? 1 : 0;
        otherOpenings += refused || damaged ? 0 : 1;
    }

    int openings() {
        return refusedOpenings + damagedOpenings + otherOpenings;
    }

    int refusedOpenings() {
        return refusedOpenings;
    }

    int damagedOpenings() {
        return damagedOpenings;
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
                + " spools that went on, failed calls " + faults
                + (openings() == 0
                        ? ""
                        : ", bad pages " + spoiled + ", openings that could not read " + openings() + ": refused "
                                + refusedOpenings + ", told of damage " + damagedOpenings);
    }
}
