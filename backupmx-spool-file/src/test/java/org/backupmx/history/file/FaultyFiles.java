package org.backupmx.history.file;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Real files whose changes fail from a step on, for once or for good; a write that fails is half done. */
final class FaultyFiles extends HistoryFiles {

    final List<String> steps = new ArrayList<>();

    private int failAt = Integer.MAX_VALUE;
    private boolean dies;

    /** Lets one step fail, and with {@code dies} all later ones. Steps are counted from 0, from now on. */
    void failAt(int step, boolean forGood) {
        steps.clear();
        failAt = step;
        dies = forGood;
    }

    boolean hasFailed() {
        return steps.size() > failAt;
    }

    private void step(String name) throws IOException {
        int number = steps.size();
        steps.add(name);
        if (number == failAt || (dies && number > failAt)) {
            throw new IOException("on demand, at step " + number + ", " + name);
        }
    }

    @Override
    void write(RandomAccessFile file, long at, byte[] bytes) throws IOException {
        try {
            step("write");
        } catch (IOException e) {
            if (steps.size() - 1 == failAt) {
                super.write(file, at, Arrays.copyOf(bytes, bytes.length / 2));
            }
            throw e;
        }
        super.write(file, at, bytes);
    }

    @Override
    void truncate(RandomAccessFile file, long size) throws IOException {
        step("truncate");
        super.truncate(file, size);
    }

    @Override
    void force(RandomAccessFile file) throws IOException {
        step("force");
        super.force(file);
    }

    @Override
    void rename(Path from, Path to) throws IOException {
        step("rename");
        super.rename(from, to);
    }

    @Override
    void delete(Path file) throws IOException {
        step("delete");
        super.delete(file);
    }

    @Override
    void forceDirectory(Path directory) throws IOException {
        step("forceDirectory");
        super.forceDirectory(directory);
    }
}
