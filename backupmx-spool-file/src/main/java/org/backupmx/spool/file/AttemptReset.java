package org.backupmx.spool.file;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.file.Deliveries.Place;
import org.jspecify.annotations.Nullable;

/**
 * Sets the attempts of messages to 0: the states of their lanes are read and written anew. What is settled or moved between
 * reading and writing is read again. Thread-safe.
 */
final class AttemptReset {

    /** A message is not settled or moved that often while its states are read. */
    private static final int ROUNDS = 100;

    private final MessageLoader loader;
    private final Deliveries deliveries;

    AttemptReset(MessageLoader loader, Deliveries deliveries) {
        this.loader = loader;
        this.deliveries = deliveries;
    }

    boolean reset(long id, Instant due) throws IOException {
        for (int round = 0; round < ROUNDS; round++) {
            List<Place> places = deliveries.places(id);
            if (places.isEmpty()) {
                return false;
            }
            List<@Nullable LaneState> states = new ArrayList<>(places.size());
            for (Place place : places) {
                states.add(loader.state(place));
            }
            if (deliveries.reset(id, places, states, due)) {
                return true;
            }
        }
        throw new SpoolUnavailableException("message " + Ids.text(id) + ": changes all the time");
    }
}
