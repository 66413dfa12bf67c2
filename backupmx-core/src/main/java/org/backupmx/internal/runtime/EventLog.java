package org.backupmx.internal.runtime;

import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.backupmx.event.BackupMxListener;
import org.backupmx.event.BreakerClosed;
import org.backupmx.event.BreakerOpened;
import org.backupmx.event.CapabilityRefused;
import org.backupmx.event.DeadLetterRemoved;
import org.backupmx.event.LastGoodRouteUsed;
import org.backupmx.event.MailExpiring;
import org.backupmx.event.MailRefused;
import org.backupmx.event.MaintenanceEnding;
import org.backupmx.event.MessageAccepted;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.MessageRepeated;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.PrimaryFlapping;
import org.backupmx.event.QueueOrdered;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.event.RecipientRescued;
import org.backupmx.event.RescueBegun;
import org.backupmx.event.RouteHeld;
import org.backupmx.event.RouteRestored;
import org.backupmx.event.SpoolHealthChanged;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.spool.SpoolId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** Writes events to the log. What peers wrote is safe already: mailboxes and replies hold no control characters. */
public final class EventLog implements BackupMxListener {

    private static final Logger LOG = LoggerFactory.getLogger("org.backupmx");

    /** Makes a log. */
    public EventLog() {}

    /**
     * Tells whether anything would be written.
     *
     * @return true if WARN is on
     */
    public static boolean isOn() {
        return LOG.isWarnEnabled();
    }

    @Override
    public void onAccepted(MessageAccepted event) {
        if (!LOG.isInfoEnabled()) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("client", event.client().remote().getAddress().getHostAddress())
                .addKeyValue("reversePath", event.envelope().reversePath())
                .addKeyValue(
                        "rcpt",
                        event.envelope().recipients().size() == 1
                                ? event.envelope().recipients().get(0)
                                : event.envelope().recipients().size() + " recipients")
                .addKeyValue("bytes", event.sizeBytes())
                .log("message accepted");
    }

    @Override
    public void onRepeated(MessageRepeated event) {
        LOG.atInfo()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("client", event.client().remote().getAddress().getHostAddress())
                .log("message repeated by its client");
    }

    @Override
    public void onRefused(MailRefused event) {
        if (!LOG.isInfoEnabled()) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("client", event.client().remote().getAddress().getHostAddress())
                .addKeyValue("reversePath", event.reversePath())
                .addKeyValue(
                        "rcpt",
                        event.recipients().size() == 1
                                ? event.recipients().get(0)
                                : event.recipients().size() + " recipients")
                .addKeyValue("reply", event.reply())
                .log("mail refused");
    }

    @Override
    public void onDeferred(RecipientDeferred event) {
        if (!LOG.isInfoEnabled()) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("rcpt", event.recipient())
                .addKeyValue("nextHop", event.nextHop())
                .addKeyValue("reply", event.reply())
                .addKeyValue("attempt", event.attempt())
                .addKeyValue("nextAttempt", event.nextAttempt().truncatedTo(ChronoUnit.SECONDS))
                .log("recipient deferred");
    }

    @Override
    public void onRelayed(RecipientRelayed event) {
        if (!LOG.isInfoEnabled()) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("rcpt", event.recipient())
                .addKeyValue("nextHop", event.nextHop())
                .addKeyValue("reply", event.reply())
                .addKeyValue("attempt", event.attempt())
                .log("recipient relayed");
    }

    @Override
    public void onFailed(RecipientFailed event) {
        undelivered(event.id(), event.recipient(), event.nextHop(), event.reply(), event.attempts(), event.notified())
                .log("recipient failed");
    }

    @Override
    public void onExpired(RecipientExpired event) {
        undelivered(event.id(), event.recipient(), event.nextHop(), event.reply(), event.attempts(), event.notified())
                .log("recipient expired");
    }

    private static LoggingEventBuilder undelivered(
            SpoolId id,
            ForwardPath recipient,
            Optional<NextHopAddress> nextHop,
            SmtpReply reply,
            int attempts,
            boolean notified) {
        LoggingEventBuilder line = LOG.atWarn().addKeyValue("spoolId", id).addKeyValue("rcpt", recipient);
        return nextHop.map(hop -> line.addKeyValue("nextHop", hop))
                .orElse(line)
                .addKeyValue("reply", reply)
                .addKeyValue("attempts", attempts)
                .addKeyValue("notified", notified);
    }

    @Override
    public void onExpiring(MailExpiring event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("stage", event.stage())
                .addKeyValue("oldest", event.oldest().truncatedTo(ChronoUnit.SECONDS))
                .addKeyValue("end", event.end().truncatedTo(ChronoUnit.SECONDS))
                .addKeyValue("queued", event.queued())
                .log("mail is about to expire");
    }

    @Override
    public void onRescueBegun(RescueBegun event) {
        LOG.atWarn()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("rcpt", some(event.recipients()))
                .addKeyValue("domain", event.domain())
                .addKeyValue("nextHop", event.nextHops())
                .addKeyValue("reply", event.reply())
                .log("message goes to the rescue hosts");
    }

    @Override
    public void onRescued(RecipientRescued event) {
        LOG.atInfo()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("rcpt", event.recipient())
                .addKeyValue("nextHop", event.nextHop())
                .addKeyValue("reply", event.reply())
                .addKeyValue("attempt", event.attempt())
                .log("recipient rescued");
    }

    private static Object some(List<ForwardPath> recipients) {
        return recipients.size() == 1 ? recipients.get(0) : recipients.size() + " recipients";
    }

    @Override
    public void onDeadLettered(MessageDeadLettered event) {
        LOG.atWarn()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("rcpt", some(event.recipients()))
                .addKeyValue("domain", event.domain())
                .addKeyValue("reply", event.reply())
                .addKeyValue("until", event.until().truncatedTo(ChronoUnit.SECONDS))
                .log("message held as dead letter, nobody told");
    }

    @Override
    public void onDeadLetterRemoved(DeadLetterRemoved event) {
        LOG.atWarn()
                .addKeyValue("spoolId", event.id())
                .addKeyValue("since", event.since().truncatedTo(ChronoUnit.SECONDS))
                .addKeyValue("reason", event.reason())
                .log("dead letter removed, its time is over");
    }

    @Override
    public void onPrimaryChanged(PrimaryChanged event) {
        if (!LOG.isInfoEnabled()) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("nextHop", event.nextHops())
                .addKeyValue("from", event.change().from())
                .addKeyValue("to", event.change().to())
                .addKeyValue("cause", event.change().cause())
                .addKeyValue("domains", event.domains().size())
                .log("primary changed");
    }

    @Override
    public void onPrimaryFlapping(PrimaryFlapping event) {
        LOG.atWarn().addKeyValue("nextHop", event.nextHops()).log("primary comes and goes, not taken for UP");
    }

    @Override
    public void onMaintenanceEnding(MaintenanceEnding event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("until", event.window().until())
                .log("maintenance is about to end");
    }

    @Override
    public void onRouteHeld(RouteHeld event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("reason", event.reason())
                .log("no route, mail held");
    }

    @Override
    public void onLastGoodRouteUsed(LastGoodRouteUsed event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("reason", event.reason())
                .addKeyValue("lastGood", event.lastGood().truncatedTo(ChronoUnit.SECONDS))
                .log("no route, last good one used");
    }

    @Override
    public void onRouteRestored(RouteRestored event) {
        LOG.atInfo().addKeyValue("domain", event.domain()).log("route found again");
    }

    @Override
    public void onCapabilityRefused(CapabilityRefused event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("reply", event.reply())
                .addKeyValue("until", event.until().truncatedTo(ChronoUnit.SECONDS))
                .log("primary lacks what it had, or says it has, mail is tried on");
    }

    @Override
    public void onBreakerOpened(BreakerOpened event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("reply", event.reply())
                .log("primary refuses too much and is not believed, mail kept");
    }

    @Override
    public void onBreakerClosed(BreakerClosed event) {
        LOG.atWarn()
                .addKeyValue("domain", event.domain())
                .addKeyValue("byOrder", event.byOrder())
                .log("primary is believed again");
    }

    @Override
    public void onQueueOrdered(QueueOrdered event) {
        if (!LOG.isInfoEnabled()) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("by", event.by())
                .addKeyValue("order", event.order())
                .addKeyValue("subject", event.subject())
                .addKeyValue("planned", event.planned())
                .addKeyValue("changed", event.changed())
                .addKeyValue("end", event.end())
                .addKeyValue("reason", event.reason())
                .log("operator's order done");
    }

    @Override
    public void onSpoolHealthChanged(SpoolHealthChanged event) {
        LOG.atWarn().addKeyValue("health", event.health()).log("spool health changed");
    }
}
