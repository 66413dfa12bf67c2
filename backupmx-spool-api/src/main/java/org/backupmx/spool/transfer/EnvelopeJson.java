package org.backupmx.spool.transfer;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpooledMessage;

/**
 * A queued message without its mail data as JSON, drawn in {@code docs/spool-tools.md}. It names the recipients that the
 * message still waits for; those that are final stay behind.
 */
final class EnvelopeJson {

    private static final long VERSION = 1;

    private EnvelopeJson() {}

    static String write(QueuedMessage queued) {
        SpooledMessage message = queued.message();
        Envelope envelope = message.envelope();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", VERSION);
        json.put("id", message.id().value());
        json.put("receivedAt", message.receivedAt().toString());
        json.put("bytes", message.sizeBytes());
        json.put("held", queued.held());
        json.put(
                "reversePath",
                envelope.reversePath().mailbox().map(Object::toString).orElse(""));
        json.put("body", envelope.bodyType().keyword());
        json.put("smtpUtf8", envelope.smtpUtf8());
        if (envelope.requireTls()) {
            json.put(
                    "requireTls",
                    true); // a release that does not know it refuses the message, and so does not send it in clear
        }
        envelope.declaredBytes().ifPresent(size -> json.put("size", size));
        envelope.dsn().ret().ifPresent(ret -> json.put("ret", ret.name()));
        envelope.dsn().envid().ifPresent(envid -> json.put("envid", envid));
        json.put("lanes", queued.lanes().stream().map(EnvelopeJson::lane).toList());
        Map<Integer, QueuedRecipient> recipients = new TreeMap<>();
        for (MessageLane lane : queued.lanes()) {
            lane.recipients().forEach(recipient -> recipients.put(recipient.index(), recipient));
        }
        json.put(
                "recipients",
                recipients.values().stream().map(EnvelopeJson::recipient).toList());
        return Json.write(json);
    }

    private static Map<String, Object> lane(MessageLane lane) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("domain", lane.domain().toString());
        json.put("attempts", (long) lane.attempts());
        json.put("due", lane.due().toString());
        return json;
    }

    private static Map<String, Object> recipient(QueuedRecipient queued) {
        Recipient recipient = queued.recipient();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("forwardPath", recipient.path().mailbox().toString());
        if (!recipient.notifications().isEmpty()) {
            json.put(
                    "notify",
                    recipient.notifications().stream()
                            .map(Notify::name)
                            .sorted()
                            .toList());
        }
        recipient.orcpt().ifPresent(orcpt -> json.put("orcpt", orcpt));
        if (queued.state() instanceof RecipientState.Deferred deferred) {
            json.put("state", "deferred");
            json.put("at", deferred.at().toString());
            json.put("code", (long) deferred.reply().code());
            deferred.reply().enhanced().ifPresent(enhanced -> json.put("enhanced", enhanced.toString()));
            json.put("lines", deferred.reply().lines());
        } else {
            json.put("state", "pending");
        }
        return json;
    }

    /**
     * Returns the message that a JSON text tells of.
     *
     * @throws IllegalArgumentException if it is anything else; the message says what was expected
     */
    static QueuedMessage read(String text) {
        try {
            return message(JsonObject.of(Json.read(text)));
        } catch (DateTimeException | IllegalStateException e) {
            throw new IllegalArgumentException(String.valueOf(e.getMessage()), e);
        }
    }

    private static QueuedMessage message(JsonObject json) {
        long version = json.number("version");
        if (version != VERSION) {
            throw new IllegalArgumentException("version: " + version + " (expected: " + VERSION
                    + "); another release of backupmx wrote it, import it with that release");
        }
        SpoolId id = new SpoolId(json.text("id"));
        Instant receivedAt = Instant.parse(json.text("receivedAt"));
        long bytes = json.number("bytes");
        boolean held = json.flag("held");
        Envelope.Builder envelope = Envelope.from(ReversePath.parse(json.text("reversePath")))
                .bodyType(bodyType(json.text("body")))
                .smtpUtf8(json.flag("smtpUtf8"))
                .requireTls(json.optionalFlag("requireTls").orElse(false));
        json.optionalNumber("size").ifPresent(envelope::declaredBytes);
        DsnParameters dsn = json.optionalText("ret")
                .map(ret -> DsnParameters.none().withRet(Ret.valueOf(ret)))
                .orElse(DsnParameters.none());
        envelope.dsn(json.optionalText("envid").map(dsn::withEnvid).orElse(dsn));
        List<JsonObject> lanes = json.objects("lanes");
        List<JsonObject> recipients = json.objects("recipients");
        json.end();
        List<QueuedRecipient> queued = new ArrayList<>();
        for (JsonObject recipient : recipients) {
            QueuedRecipient one = recipient(queued.size(), recipient);
            envelope.to(one.recipient());
            queued.add(one);
        }
        return new QueuedMessage(
                new SpooledMessage(id, envelope.build(), receivedAt, bytes), lanes(lanes, queued), held);
    }

    private static BodyType bodyType(String keyword) {
        for (BodyType type : BodyType.values()) {
            if (type.keyword().equals(keyword)) {
                return type;
            }
        }
        throw new IllegalArgumentException("body: " + keyword + " (expected: 7BIT, 8BITMIME or BINARYMIME)");
    }

    private static QueuedRecipient recipient(int index, JsonObject json) {
        Recipient recipient = Recipient.of(ForwardPath.parse(json.text("forwardPath")));
        Set<Notify> notify = EnumSet.noneOf(Notify.class);
        json.texts("notify").forEach(name -> notify.add(Notify.valueOf(name)));
        recipient = notify.isEmpty() ? recipient : recipient.withNotify(notify);
        Optional<String> orcpt = json.optionalText("orcpt");
        recipient = orcpt.isPresent() ? recipient.withOrcpt(orcpt.get()) : recipient;
        RecipientState state = state(json);
        json.end();
        return new QueuedRecipient(index, recipient, state);
    }

    private static RecipientState state(JsonObject json) {
        String name = json.text("state");
        return switch (name) {
            case "pending" -> RecipientState.Pending.INSTANCE;
            case "deferred" ->
                new RecipientState.Deferred(
                        SmtpReply.of(
                                (int) Math.min(json.number("code"), Integer.MAX_VALUE),
                                json.optionalText("enhanced").map(EnhancedStatusCode::parse),
                                json.texts("lines")),
                        Instant.parse(json.text("at")));
            default -> throw new IllegalArgumentException("state: " + name + " (expected: pending or deferred)");
        };
    }

    private static List<MessageLane> lanes(List<JsonObject> all, List<QueuedRecipient> recipients) {
        Map<MailDomain, List<QueuedRecipient>> byDomain = new LinkedHashMap<>();
        for (QueuedRecipient one : recipients) {
            byDomain.computeIfAbsent(one.recipient().domain(), domain -> new ArrayList<>())
                    .add(one);
        }
        List<MessageLane> lanes = new ArrayList<>();
        for (JsonObject json : all) {
            MailDomain domain = MailDomain.of(json.text("domain"));
            List<QueuedRecipient> inLane = byDomain.remove(domain);
            if (inLane == null) {
                throw new IllegalArgumentException(
                        "lane " + domain + " (expected: one for each domain of the recipients)");
            }
            long attempts = json.number("attempts");
            if (attempts < 0 || attempts > Integer.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "attempts: " + attempts + " (expected: 0 to " + Integer.MAX_VALUE + ")");
            }
            lanes.add(new MessageLane(domain, inLane, (int) attempts, Instant.parse(json.text("due"))));
            json.end();
        }
        if (!byDomain.isEmpty()) {
            throw new IllegalArgumentException("lanes: none for "
                    + byDomain.keySet().iterator().next() + " (expected: one for each domain of the recipients)");
        }
        return lanes;
    }
}
