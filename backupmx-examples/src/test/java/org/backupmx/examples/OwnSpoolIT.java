package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.backupmx.spool.Spool;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnSpoolIT implements SpoolContract {

    @TempDir
    Path folder;

    private final Map<Spool, Path> folders = new ConcurrentHashMap<>();

    @Override
    public Spool newSpool() throws Exception {
        return open(Files.createTempDirectory(folder, "spool").resolve("spool.mv"));
    }

    private Spool open(Path where) throws Exception {
        Spool spool = new OwnSpool(where);
        folders.put(spool, where);
        return spool;
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return Set.of(SpoolAbility.PERSISTENT);
    }

    @Override
    public Spool reopen(Spool closed) throws Exception {
        return open(folders.get(closed));
    }

    @Test
    void itIsShortEnoughToRead() throws Exception {
        assertThat(Files.readAllLines(Path.of("src/main/java/org/backupmx/examples/OwnSpool.java")))
                .hasSizeLessThanOrEqualTo(200);
    }
}
