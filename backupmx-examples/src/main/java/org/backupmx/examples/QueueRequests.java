package org.backupmx.examples;

import java.io.InputStream;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.backupmx.BackupMx;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.DrainProgress;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueuePage;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueSelection;
import org.backupmx.queue.QueuedMail;
import org.backupmx.queue.RedirectPreview;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.SpoolException;

/**
 * What the admin socket answers to {@code queue}; SELECTION is words such as {@code domain=example.org}, see
 * {@link QueueWords}:
 *
 * <pre>
 *   queue list SELECTION limit=N [after=ID] format=text|json
 *   queue show id=ID show=headers|body|nothing format=text|json
 *   queue plan order=VERB SELECTION [reason=TEXT]
 *   queue run|progress|stop token=TOKEN
 *   queue export SELECTION to=PATH format=eml|mbox
 *   queue redirects
 *   queue redirect domain=DOMAIN to=HOP|none [preview=yes]
 *   queue drain [domain=DOMAIN] format=lines|json
 *   queue flush-outside-hours domain=DOMAIN
 * </pre>
 *
 * <p>Thread-safe.
 */
final class QueueRequests {

    private final BackupMx mx;
    private final InstantSource clock;
    private final QueueExports exports = new QueueExports();

    QueueRequests(BackupMx mx, InstantSource clock) {
        this.mx = mx;
        this.clock = clock;
    }

    /** Answers the words behind {@code queue}; {@code by} is who asks. */
    List<String> answer(List<String> words, String by) throws Exception {
        String verb = words.isEmpty() ? "" : words.get(0);
        List<String> rest = words.isEmpty() ? words : words.subList(1, words.size());
        return switch (verb) {
            case "list" -> list(QueueWords.of(rest, Set.of("limit", "after", "format")));
            case "show" -> show(QueueWords.of(rest, Set.of("show", "format")), by);
            case "plan" -> plan(QueueWords.of(rest, Set.of("order", "reason")), by);
            case "run" -> run(QueueWords.of(rest, Set.of("token")).required("token"));
            case "progress" -> progress(QueueWords.of(rest, Set.of("token")).required("token"));
            case "stop" -> stop(QueueWords.of(rest, Set.of("token")).required("token"));
            case "export" -> export(QueueWords.of(rest, Set.of("to", "format")), by);
            case "redirects" -> redirects();
            case "redirect" -> redirect(QueueWords.of(rest, Set.of("to", "preview")), by);
            case "drain" -> drain(QueueWords.of(rest, Set.of("format")));
            case "flush-outside-hours" -> flushOutsideHours(QueueWords.of(rest, Set.of()), by);
            default ->
                throw AdminRequests.wrong(
                        verb,
                        "list, show, plan, run, progress, stop, export, redirects, redirect, drain or"
                                + " flush-outside-hours");
        };
    }

    private List<String> list(QueueWords words) throws SpoolException {
        QueueSelection selection = selection(words);
        QueuePage page =
                mx.queue().list(selection, words.value("after").map(QueueWords::id), words.number("limit", 1, 1000));
        return words.required("format").equals("json")
                ? QueueJson.page(page, clock.instant())
                : QueueText.table(page, clock.instant());
    }

    /** A domain that nobody knows is a slip of the pen, not an empty queue. */
    private QueueSelection selection(QueueWords words) throws SpoolException {
        Optional<MailDomain> domain = words.domain();
        if (domain.isPresent()) {
            requireKnown(domain.get());
        }
        return words.selection();
    }

    private void requireKnown(MailDomain domain) throws SpoolException {
        if (mx.health().find(domain).isEmpty()
                && mx.config().spool().lanes().stream()
                        .noneMatch(lane -> lane.domain().equals(domain))) {
            throw AdminRequests.wrong(domain.toString(), "a domain that status lists");
        }
    }

    private List<String> show(QueueWords words, String by) throws Exception {
        QueuedMail mail =
                mx.queue().show(QueueWords.id(words.required("id"))).orElseThrow(() -> notThere(words.required("id")));
        List<String> mailData = new ArrayList<>();
        boolean body = words.required("show").equals("body");
        if (body || words.required("show").equals("headers")) {
            // who reads a body is told of, who looks at a header is not
            try (InputStream in =
                    body ? mx.queue().read(mail.id(), by) : mx.config().spool().read(mail.id())) {
                mailData.addAll(QueueText.mailData(in, body));
            }
        }
        if (words.required("format").equals("json")) {
            return List.of(QueueJson.mail(mail, mailData));
        }
        List<String> lines = QueueText.envelope(mail);
        if (!mailData.isEmpty()) {
            lines.add("");
            lines.addAll(mailData);
        }
        return lines;
    }

    private static IllegalArgumentException notThere(String id) {
        return AdminRequests.wrong(id, "the id of a message that queue list shows");
    }

    private List<String> plan(QueueWords words, String by) throws SpoolException {
        QueueOrder order = new QueueOrder(
                kind(words.required("order")), words.value("reason").orElse(""), by);
        QueuePlan plan = mx.queue().plan(order, selection(words));
        if (plan.messages() == 0 && words.value("id").isPresent()) {
            throw AdminRequests.wrong(
                    words.required("id"), "the id of a message that can be changed so, as queue list shows it");
        }
        return List.of(
                "token: " + plan.token(),
                "messages: " + plan.messages(),
                "bytes: " + plan.bytes(),
                "selection: " + TerminalText.of(plan.selection().toString()));
    }

    private static QueueOrder.Kind kind(String word) {
        for (QueueOrder.Kind kind : QueueOrder.Kind.values()) {
            if (Status.word(kind).equals(word)) {
                return kind;
            }
        }
        throw AdminRequests.wrong(
                word, "flush, reset-retries, renew, hold, release, delete, delete-for-good or restore");
    }

    private List<String> run(String token) {
        mx.queue().run(token);
        return List.of();
    }

    private List<String> progress(String token) {
        Optional<List<String>> export = exports.progress(token);
        if (export.isPresent()) {
            return export.get();
        }
        QueueProgress progress = mx.queue()
                .progress(token)
                .orElseThrow(() -> AdminRequests.wrong(token, "the token of an order that runs, or ended just now"));
        return List.of(
                "end: " + progress.end(),
                "planned: " + progress.plan().messages(),
                "changed: " + progress.changed(),
                "unchanged: " + progress.unchanged(),
                "failed: " + progress.failed(),
                "fault: " + TerminalText.of(progress.fault()));
    }

    private List<String> flushOutsideHours(QueueWords words, String by) throws SpoolException {
        MailDomain domain = AdminRequests.domain(words.required("domain"));
        requireKnown(domain);
        mx.queue().flushOutsideHours(domain, by);
        return List.of();
    }

    private List<String> stop(String token) {
        exports.stop(token);
        mx.queue().stop(token);
        return List.of();
    }

    private List<String> export(QueueWords words, String by) throws Exception {
        boolean mbox = words.required("format").equals("mbox");
        return exports.start(mx.queue().view(selection(words), by), Path.of(words.required("to")), mbox);
    }

    private List<String> redirects() {
        List<String> lines = new ArrayList<>();
        for (Map.Entry<MailDomain, NextHop> each : mx.queue().redirects().entrySet()) {
            lines.add(each.getKey() + ": " + each.getValue());
        }
        return lines;
    }

    private List<String> redirect(QueueWords words, String by) throws Exception {
        MailDomain domain = AdminRequests.domain(words.required("domain"));
        if (words.required("to").equals("none")) {
            if (!mx.queue().endRedirect(domain, by)) {
                throw AdminRequests.wrong(domain.toString(), "a domain that queue redirect --list shows");
            }
            return List.of(domain + ": not redirected any more");
        }
        requireKnown(domain);
        NextHop to = hop(words.required("to"));
        if (words.value("preview").isPresent()) {
            return preview(domain, to);
        }
        mx.queue().redirect(domain, to, by);
        return List.of(domain + ": redirected to " + to);
    }

    private static NextHop hop(String text) {
        try {
            return NextHop.parse(text);
        } catch (IllegalArgumentException e) {
            throw AdminRequests.wrong(text, "a next hop such as mail.example.org:25 or [2001:db8::1]:25");
        }
    }

    private List<String> preview(MailDomain domain, NextHop to) throws Exception {
        RedirectPreview preview;
        try {
            preview =
                    mx.queue().previewRedirect(domain, to).toCompletableFuture().get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
        return List.of(
                "domain: " + domain,
                "to: " + to,
                "messages: " + preview.messages(),
                "addresses: " + String.join(" ", preview.addresses()),
                "trouble: " + TerminalText.of(preview.trouble().isEmpty() ? "none" : preview.trouble()));
    }

    private List<String> drain(QueueWords words) throws SpoolException {
        DrainProgress progress = mx.queue().drain();
        List<DrainProgress.DomainDrain> domains = progress.domains();
        if (words.domain().isPresent()) {
            requireKnown(words.domain().get());
            domains = domains.stream()
                    .filter(one -> one.domain().equals(words.domain().get()))
                    .toList();
        }
        return words.required("format").equals("json")
                ? QueueJson.drain(progress, domains)
                : domains.stream().map(QueueRequests::line).toList();
    }

    /** For the command, which shows it: words in a fixed order. */
    private static String line(DrainProgress.DomainDrain drain) {
        return String.format(
                Locale.ROOT,
                "%s %s %d %d %d %d %d %d %s %d %s",
                drain.domain(),
                drain.health(),
                drain.left(),
                drain.held(),
                drain.inFlight(),
                drain.sent(),
                drain.failed(),
                drain.deferred(),
                DrainText.rate(drain.perSecond()),
                drain.eta().map(java.time.Duration::toSeconds).orElse(-1L),
                drain.opens().map(Object::toString).orElse("-"));
    }
}
