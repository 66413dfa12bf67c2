package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.backupmx.event.MaintenanceEnding;
import org.backupmx.health.HealthControl;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.internal.runtime.EventQueue;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.jspecify.annotations.Nullable;

/** What operators have ordered about domains; begins and ends it in time, warns before maintenance ends. Thread-safe. */
final class OperatorOrders {

    private final EngineRuntime runtime;
    private final EventQueue events;
    private final Consumer<MailDomain> changed;
    private final Map<MailDomain, Orders> orders = new ConcurrentHashMap<>();

    /** Orders with a timer to where the next one begins or ends. */
    private static final class Orders {
        HealthOverride override = HealthOverride.auto(); // guarded by this, as all the rest
        List<MaintenanceWindow> windows = List.of(); // neither past nor out of order
        final Set<MaintenanceWindow> warned = new HashSet<>();
        Optional<NextHop> redirect = Optional.empty();

        @Nullable
        Future<?> timer;

        synchronized HealthOverride override(Instant now) {
            return override.until().map(end -> end.isAfter(now)).orElse(true) ? override : HealthOverride.auto();
        }

        synchronized List<MaintenanceWindow> windows(Instant now) {
            return windows.stream()
                    .filter(window -> window.until().isAfter(now))
                    .toList();
        }
    }

    /**
     * Makes what holds no orders.
     *
     * @param runtime clock and timer
     * @param events told before maintenance ends
     * @param changed told of a domain when something about it begins or ends
     */
    OperatorOrders(EngineRuntime runtime, EventQueue events, Consumer<MailDomain> changed) {
        this.runtime = runtime;
        this.events = events;
        this.changed = changed;
    }

    /** The domains about which something was ordered. */
    List<MailDomain> domains() {
        return orders.keySet().stream()
                .sorted(Comparator.comparing(MailDomain::toString))
                .toList();
    }

    HealthOverride override(MailDomain domain) {
        Orders found = orders.get(domain);
        return found == null ? HealthOverride.auto() : found.override(runtime.now());
    }

    /** The windows under way and to come, by their begin. */
    List<MaintenanceWindow> windows(MailDomain domain) {
        Orders found = orders.get(domain);
        return found == null ? List.of() : found.windows(runtime.now());
    }

    /** The next hop in the place of a domain's own. */
    Optional<NextHop> redirect(MailDomain domain) {
        Orders found = orders.get(domain);
        if (found == null) {
            return Optional.empty();
        }
        synchronized (found) {
            return found.redirect;
        }
    }

    Map<MailDomain, NextHop> redirects() {
        Map<MailDomain, NextHop> redirects = new LinkedHashMap<>();
        domains().forEach(domain -> redirect(domain).ifPresent(to -> redirects.put(domain, to)));
        return redirects;
    }

    void redirect(MailDomain domain, Optional<NextHop> to) {
        change(domain, found -> found.redirect = to);
    }

    boolean isMaintained(MailDomain domain) {
        Orders found = orders.get(domain);
        if (found == null) {
            return false;
        }
        Instant now = runtime.now();
        return found.windows(now).stream().anyMatch(window -> window.contains(now));
    }

    /** What is to be done now: maintenance comes before an override. */
    HealthOverride.Kind standing(MailDomain domain) {
        return isMaintained(domain)
                ? HealthOverride.Kind.FORCE_DOWN
                : override(domain).kind();
    }

    void override(MailDomain domain, HealthOverride order) {
        change(domain, found -> found.override = order);
    }

    /** Adds a window; false if there are too many. */
    boolean maintain(MailDomain domain, MaintenanceWindow window) {
        boolean[] added = new boolean[1];
        change(domain, found -> {
            if (found.windows.size() < HealthControl.MAX_WINDOWS) {
                found.windows = Stream.concat(found.windows.stream(), Stream.of(window))
                        .sorted(Comparator.comparing(MaintenanceWindow::from))
                        .toList();
                added[0] = true;
            }
        });
        return added[0];
    }

    int endMaintenance(MailDomain domain) {
        int[] ended = new int[1];
        change(domain, found -> {
            ended[0] = found.windows(runtime.now()).size();
            found.windows = List.of();
        });
        return ended[0];
    }

    private void change(MailDomain domain, Consumer<Orders> change) {
        Orders found = orders.computeIfAbsent(domain, name -> new Orders());
        synchronized (found) {
            change.accept(found);
        }
        passed(domain, found);
    }

    /** Something about a domain was changed, has begun or has ended. */
    private void passed(MailDomain domain, Orders found) {
        List<MaintenanceWindow> ending = new ArrayList<>();
        synchronized (found) {
            Instant now = runtime.now();
            found.override = found.override(now);
            found.windows = found.windows(now);
            found.warned.retainAll(found.windows);
            found.windows.stream()
                    .filter(window -> !warning(window).isAfter(now) && found.warned.add(window))
                    .forEach(ending::add);
            arm(domain, found, now);
        }
        ending.forEach(window -> events.post(new MaintenanceEnding(runtime.now(), domain, window)));
        changed.accept(domain);
    }

    /** Sets the timer to what comes next; guarded by the orders. */
    private void arm(MailDomain domain, Orders found, Instant now) {
        if (found.timer != null) {
            found.timer.cancel(false);
        }
        Stream.concat(
                        found.override.until().stream(),
                        found.windows.stream()
                                .flatMap(window -> Stream.of(window.from(), warning(window), window.until())))
                .filter(instant -> instant.isAfter(now))
                .min(Comparator.naturalOrder())
                .ifPresent(next ->
                        found.timer = runtime.schedule(Duration.between(now, next), () -> passed(domain, found)));
    }

    private static Instant warning(MaintenanceWindow window) {
        Instant early = window.until().minus(MaintenanceWindow.WARNING);
        return early.isBefore(window.from()) ? window.from() : early;
    }
}
