package org.backupmx.internal.engine;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.BackupMxConfig;
import org.backupmx.event.MailRefused;
import org.backupmx.event.MessageAccepted;
import org.backupmx.event.MessageRepeated;
import org.backupmx.event.SpoolHealthChanged;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Intake;
import org.backupmx.internal.monitoring.MonitoringGate;
import org.backupmx.internal.queue.DeliveryScheduler;
import org.backupmx.internal.runtime.DomainDirectory;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.internal.runtime.EventQueue;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolId;

/** What is allowed in: makes the sessions of one engine and is what they share. Thread-safe. */
final class IntakeService implements Intake {

    final BackupMxConfig config;
    final EngineRuntime runtime;
    final DomainDirectory directory;
    final DeliveryScheduler delivery;
    final Spool spool;
    final EtrnRate etrnRate;
    final RoleMailLimit roleMail;
    final MonitoringGate gate;
    final Repeats repeats;

    private final EventQueue events;
    private SpoolHealth toldHealth = SpoolHealth.accepting(); // guarded by this
    private volatile boolean closing;

    IntakeService(
            BackupMxConfig config,
            EngineRuntime runtime,
            EventQueue events,
            DomainDirectory directory,
            DeliveryScheduler delivery,
            MonitoringGate gate) {
        this.config = config;
        this.runtime = runtime;
        this.events = events;
        this.directory = directory;
        this.delivery = delivery;
        this.gate = gate;
        this.spool = config.spool();
        this.etrnRate = new EtrnRate(runtime.nanoTime());
        this.roleMail = new RoleMailLimit(runtime.nanoTime());
        this.repeats = new Repeats(config.repeatWindow(), runtime.nanoTime());
    }

    @Override
    public CompletionStage<Greeting> connect(ClientInfo client) {
        return CompletableFuture.completedFuture(greeting(client));
    }

    private Greeting greeting(ClientInfo client) {
        if (closing) {
            return new Greeting.Refusal(Replies.CLOSING);
        }
        if (spool.health() instanceof SpoolHealth.Exhausted) {
            return new Greeting.Refusal(Replies.NO_ROOM_AT_ALL);
        }
        delivery.connected(client.remote().getAddress());
        return new Greeting.Welcome(
                config.hostname(), new Session(this, client), config.maxMessageBytes(), config.maxRecipients());
    }

    /** Takes no new connections. */
    void close() {
        closing = true;
    }

    /** Tells listeners when the spool's health is another than the last time. */
    synchronized void checkSpoolHealth() {
        SpoolHealth health = spool.health();
        if (!health.equals(toldHealth)) {
            toldHealth = health;
            events.post(new SpoolHealthChanged(runtime.now(), health));
        }
    }

    void refused(ClientInfo client, ReversePath reversePath, List<ForwardPath> recipients, SmtpReply reply) {
        if (events.isObserved()) {
            events.post(new MailRefused(runtime.now(), client, reversePath, recipients, reply));
        }
    }

    void repeated(SpoolId id, Envelope envelope, ClientInfo client) {
        if (events.isObserved()) {
            events.post(new MessageRepeated(runtime.now(), id, envelope, client));
        }
    }

    /** Tells of a commit that ended well: listeners first, then the lanes. */
    void accepted(SpoolId id, Envelope envelope, Instant at, long sizeBytes, ClientInfo client) {
        try {
            if (events.isObserved()) {
                events.post(new MessageAccepted(at, id, envelope, sizeBytes, client));
            }
        } finally {
            delivery.commitEnded(id, envelope);
        }
    }
}
