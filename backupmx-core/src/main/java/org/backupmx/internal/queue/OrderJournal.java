package org.backupmx.internal.queue;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what operators have ordered over the end of the engine, in the series {@value #SERIES}: every order in force, one
 * on a line, written anew with each change.
 *
 * <pre>
 *   override example.org HOLD 2026-11-23T18:00:00Z      (or - for no end)
 *   maintain example.org 2026-11-23T18:00:00Z 2026-11-23T20:00:00Z
 *   redirect example.org new.example.org:25
 * </pre>
 */
final class OrderJournal {

    static final String SERIES = "orders";

    private static final Logger LOG = LoggerFactory.getLogger(OrderJournal.class);
    private static final Instant ALL = Instant.parse("9999-12-31T00:00:00Z");

    private final HistoryStore store;
    private final EngineRuntime runtime;
    private final OperatorOrders orders;

    OrderJournal(HistoryStore store, EngineRuntime runtime, OperatorOrders orders) {
        this.store = store;
        this.runtime = runtime;
        this.orders = orders;
    }

    /** Takes up what was in force. Blocks. A line that cannot be read is told and left out. */
    void restore() {
        List<HistoryEntry> lines;
        try {
            lines = store.read(SERIES, Instant.MIN, Instant.MAX);
        } catch (HistoryException e) {
            LOG.atError().setCause(e).log("orders of operators not read, none is in force");
            return;
        }
        for (HistoryEntry line : lines) {
            try {
                restore(line.text().split(" ", -1));
            } catch (IllegalArgumentException | DateTimeException | IndexOutOfBoundsException e) {
                LOG.atError().addKeyValue("line", line.text()).log("order of an operator not understood, left out");
            }
        }
    }

    private void restore(String[] words) {
        MailDomain domain = MailDomain.of(words[1]);
        switch (words[0]) {
            case "override" ->
                orders.override(
                        domain,
                        new HealthOverride(
                                HealthOverride.Kind.valueOf(words[2]),
                                words[3].equals("-") ? Optional.empty() : Optional.of(Instant.parse(words[3]))));
            case "maintain" ->
                orders.maintain(domain, new MaintenanceWindow(Instant.parse(words[2]), Instant.parse(words[3])));
            case "redirect" -> orders.redirect(domain, Optional.of(NextHop.parse(words[2])));
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    /** Writes what is in force now, later, on a worker. */
    void changed() {
        runtime.execute(this::write);
    }

    private synchronized void write() {
        Instant now = runtime.now();
        List<HistoryEntry> lines = new ArrayList<>();
        for (MailDomain domain : orders.domains()) {
            HealthOverride override = orders.override(domain);
            if (override.kind() != HealthOverride.Kind.AUTO) {
                String end = override.until().map(Instant::toString).orElse("-");
                lines.add(new HistoryEntry(now, "override " + domain + " " + override.kind() + " " + end));
            }
            orders.redirect(domain).ifPresent(to -> lines.add(new HistoryEntry(now, "redirect " + domain + " " + to)));
            for (MaintenanceWindow window : orders.windows(domain)) {
                lines.add(new HistoryEntry(now, "maintain " + domain + " " + window.from() + " " + window.until()));
            }
        }
        try {
            store.replace(SERIES, ALL, lines);
        } catch (HistoryException e) {
            LOG.atError().setCause(e).log("orders of operators not kept, they end with this engine");
        }
    }
}
