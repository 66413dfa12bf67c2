package org.backupmx.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.lifecycle.AfterTry;
import org.backupmx.spool.Spool;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolModelContract;

/** The kit's random histories on the spool of one's own. */
class OwnSpoolModelIT implements SpoolModelContract {

    private final Map<Spool, Path> files = new HashMap<>();

    private Spool open(Path file) throws Exception {
        Spool spool = new OwnSpool(file);
        files.put(spool, file);
        return spool;
    }

    @Override
    public Spool newSpool() throws Exception {
        Path file = Files.createTempFile("own-spool", ".mv");
        Files.delete(file);
        return open(file);
    }

    @Override
    public Set<SpoolAbility> abilities() {
        return Set.of(SpoolAbility.PERSISTENT);
    }

    @Override
    public Spool reopen(Spool closed) throws Exception {
        Path file = files.get(closed);
        if (file == null) {
            throw new AssertionError("a spool of somebody else");
        }
        return open(file);
    }

    @AfterTry
    void removeFiles() throws IOException {
        for (Path file : files.values()) {
            Files.deleteIfExists(file);
        }
        files.clear();
    }
}
