package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.MailDomain;
import org.backupmx.smtp.internal.codec.BdatCommand;
import org.backupmx.smtp.internal.codec.MailCommand;
import org.backupmx.smtp.internal.codec.MailLine;
import org.backupmx.smtp.internal.codec.PathParser;
import org.backupmx.smtp.internal.codec.RcptCommand;
import org.backupmx.smtp.internal.codec.RcptLine;
import org.backupmx.smtp.internal.codec.SmtpCommandDecoder;
import org.backupmx.smtp.internal.codec.SmtpVerb;
import org.backupmx.smtp.internal.codec.SyntaxError;
import org.backupmx.smtp.internal.codec.XclientCommand;
import org.backupmx.smtp.internal.server.SessionState.Phase;
import org.jspecify.annotations.Nullable;

/** What each command of a client does (RFC 5321 section 4.1.4): a reply at once, or a question to the intake. */
final class SessionCommands {

    private final SmtpServerSession session;
    private final ServerSettings settings;
    private final SessionClient client;
    private final SessionState state;
    private final SessionReplies replies;
    private final OpenQuestion question;
    private final SessionChunks chunks;
    private final EarlyTalk earlyTalk;
    private final SessionGreeting greeting;
    private final SessionLog log;
    private final SmtpCommandDecoder commands;

    SessionCommands(
            SmtpServerSession session,
            ServerSettings settings,
            SessionClient client,
            SessionState state,
            SessionReplies replies,
            OpenQuestion question,
            SessionChunks chunks,
            EarlyTalk earlyTalk,
            SessionGreeting greeting,
            SessionLog log) {
        this.session = session;
        this.settings = settings;
        this.client = client;
        this.state = state;
        this.replies = replies;
        this.question = question;
        this.chunks = chunks;
        this.earlyTalk = earlyTalk;
        this.greeting = greeting;
        this.log = log;
        this.commands = new SmtpCommandDecoder(settings.limits().commandLineOctets());
    }

    /** Takes one command, or the part of it that is there. */
    void take(ByteBuffer octets) {
        switch (commands.decode(octets)) {
            case COMMAND -> {
                session.waitFromNow();
                log.command(commands);
                command(commands.verb());
            }
            case MALFORMED -> replies.bad(FixedReply.MALFORMED);
            case TOO_LONG -> replies.bad(FixedReply.LINE_TOO_LONG);
            case ENDLESS -> replies.leave(FixedReply.ENDLESS_LINE);
            case INCOMPLETE -> {
                // the rest comes with the next octets
            }
        }
    }

    private void command(SmtpVerb verb) {
        if (session.isDraining() && state.phase != Phase.TRANSACTION) {
            replies.leave(FixedReply.STOPPING);
            return;
        }
        if (state.phase == Phase.REFUSED && verb != SmtpVerb.QUIT) {
            replies.bad(FixedReply.ONLY_QUIT);
            return;
        }
        if (verb != SmtpVerb.BDAT) {
            chunks.forgetRefusal();
        }
        switch (verb) {
            case HELO, EHLO -> helo(verb == SmtpVerb.EHLO);
            case MAIL -> mail();
            case RCPT -> rcpt();
            case DATA -> data();
            case BDAT -> bdat();
            case RSET -> rset();
            case NOOP -> replies.idle(FixedReply.OK);
            case HELP -> replies.idle(FixedReply.HELP);
            case VRFY -> {
                if (commands.hasArgument()) {
                    replies.idle(FixedReply.CANNOT_VERIFY);
                } else {
                    replies.bad(FixedReply.VRFY_ARGUMENT);
                }
            }
            case EXPN -> replies.idle(FixedReply.NOT_IMPLEMENTED);
            case ETRN -> etrn();
            case QUIT -> {
                if (noArgument()) {
                    replies.say(FixedReply.BYE);
                    session.close();
                }
            }
            case STARTTLS -> startTls();
            case XCLIENT -> xclient();
            case UNKNOWN -> replies.bad(FixedReply.UNKNOWN);
        }
    }

    private void helo(boolean extended) {
        int length = commands.argumentEnd() - commands.argumentStart();
        boolean wellFormed = length > 0 && length <= 255;
        for (int i = commands.argumentStart(); i < commands.argumentEnd(); i++) {
            wellFormed &= commands.line()[i] > ' ';
        }
        if (!wellFormed) {
            replies.bad(FixedReply.HELO_ARGUMENT);
        } else if (earlyTalk.isCaught()) {
            replies.leave(FixedReply.EARLY_TALKER);
        } else if (replies.idle()) {
            state.abandonTransfer();
            String name = new String(commands.line(), commands.argumentStart(), length, StandardCharsets.US_ASCII);
            question.ask(
                    extended ? Question.EHLO : Question.HELO,
                    client.heloName(name),
                    (s, n) -> s.intake().helo(n, client.isExtended(extended)));
        }
    }

    private void mail() {
        if (state.phase != Phase.READY) {
            replies.bad(state.phase == Phase.TRANSACTION ? FixedReply.NESTED_MAIL : FixedReply.HELO_FIRST);
            return;
        }
        MailLine line = PathParser.mail(commands.line(), commands.argumentStart(), commands.argumentEnd());
        if (line instanceof SyntaxError error) {
            replies.bad(error);
        } else if (line instanceof MailCommand mail) {
            if (mail.requireTls() && !state.offersRequireTls) {
                replies.idle(state.secured ? FixedReply.NO_REQUIRETLS : FixedReply.REQUIRETLS_IN_CLEAR);
            } else if (mail.sizeBytes() > state.maxMessageBytes) {
                replies.idle(FixedReply.TOO_BIG);
            } else if (state.transactions >= settings.limits().transactions()) {
                replies.leave(FixedReply.TOO_MANY_TRANSACTIONS);
            } else {
                state.smtpUtf8 = mail.smtpUtf8();
                question.ask(Question.MAIL, mail, SessionCommands::ask);
            }
        }
    }

    private static CompletionStage<Verdict> ask(SessionState state, MailCommand mail) {
        return state.intake()
                .mail(
                        mail.path(),
                        new MailParameters(
                                mail.sizeBytes(), mail.bodyType(), mail.smtpUtf8(), mail.dsn(), mail.requireTls()));
    }

    private void rcpt() {
        if (state.phase != Phase.TRANSACTION || state.transfer != null) {
            replies.bad(notInTransaction());
            return;
        }
        RcptLine line =
                PathParser.rcpt(commands.line(), commands.argumentStart(), commands.argumentEnd(), state.smtpUtf8);
        if (line instanceof SyntaxError error) {
            replies.bad(error);
        } else if (line instanceof RcptCommand rcpt) {
            if (state.recipients >= state.maxRecipients) {
                replies.say(FixedReply.TOO_MANY_RECIPIENTS);
                return;
            }
            question.ask(Question.RCPT, rcpt, SessionCommands::ask);
        }
    }

    private static CompletionStage<Verdict> ask(SessionState state, RcptCommand rcpt) {
        RcptParameters parameters = rcpt.notifications().isEmpty() && rcpt.orcpt() == null
                ? RcptParameters.none()
                : RcptParameters.of(rcpt.notifications(), Optional.ofNullable(rcpt.orcpt()));
        return rcpt.path() == null
                ? state.intake().postmaster(parameters)
                : state.intake().rcpt(rcpt.path(), parameters);
    }

    private void data() {
        if (!noArgument()) {
            return;
        }
        if (state.phase != Phase.TRANSACTION || state.transfer != null) {
            replies.bad(notInTransaction());
        } else if (state.recipients == 0) {
            replies.bad(FixedReply.RCPT_FIRST);
        } else if (earlyTalk.isCaught()) {
            replies.leave(FixedReply.EARLY_TALKER);
        } else {
            question.ask(Question.DATA, state.intake(), (s, ours) -> ours.data());
        }
    }

    private void bdat() {
        byte[] line = commands.line();
        int start = commands.argumentStart();
        int end = commands.argumentEnd();
        long octets = BdatCommand.octets(line, start, end);
        if (octets < 0) {
            // nobody knows where the mail data that follows ends, and none of it may be taken for a command
            replies.leave(FixedReply.BDAT_ARGUMENT);
        } else {
            chunks.begin(octets, BdatCommand.isLast(line, start, end), misplacedBdat());
        }
    }

    private @Nullable FixedReply misplacedBdat() {
        if (state.phase != Phase.TRANSACTION) {
            return notInTransaction();
        }
        return state.recipients == 0 ? FixedReply.RCPT_FIRST : null;
    }

    private FixedReply notInTransaction() {
        return switch (state.phase) {
            case TRANSACTION -> FixedReply.BDAT_BEGUN;
            case READY -> FixedReply.MAIL_FIRST;
            default -> FixedReply.HELO_FIRST;
        };
    }

    private void rset() {
        if (noArgument() && replies.idle()) {
            if (state.phase == Phase.TRANSACTION) {
                state.abandonTransfer();
                state.endTransaction();
                state.intake().reset();
            }
            replies.say(FixedReply.OK);
        }
    }

    private void etrn() {
        if (state.phase != Phase.READY) {
            replies.bad(state.phase == Phase.GREETED ? FixedReply.HELO_FIRST : FixedReply.NOT_NOW);
            return;
        }
        // RFC 1985 section 5.2 has @domain for subdomains and #queue as well: we serve neither
        MailDomain domain = PathParser.domain(commands.line(), commands.argumentStart(), commands.argumentEnd());
        if (domain == null) {
            replies.bad(FixedReply.ETRN_ARGUMENT);
        } else if (replies.idle()) {
            question.ask(Question.ETRN, domain, (s, asked) -> s.intake().etrn(asked));
        }
    }

    private void startTls() {
        Function<ByteBufAllocator, SslHandler> tls = settings.tls();
        if (tls == null) {
            replies.bad(FixedReply.NOT_IMPLEMENTED);
        } else if (state.secured) {
            replies.bad(FixedReply.TLS_ACTIVE);
        } else if (state.phase != Phase.READY) {
            replies.bad(state.phase == Phase.GREETED ? FixedReply.HELO_FIRST : FixedReply.NOT_NOW);
        } else if (noArgument()) {
            if (session.hasOctets()) {
                // somebody between the client and us may have put them there (RFC 3207 section 5, CVE-2011-0411)
                replies.leave(FixedReply.DATA_AFTER_STARTTLS);
            } else {
                replies.say(FixedReply.START_TLS);
                session.shakeHands(tls);
            }
        }
    }

    private void xclient() {
        if (!client.mayName()) {
            replies.bad(FixedReply.XCLIENT_REFUSED);
        } else if (state.phase == Phase.TRANSACTION) {
            replies.bad(FixedReply.NESTED_MAIL);
        } else {
            XclientCommand xclient =
                    XclientCommand.parse(commands.line(), commands.argumentStart(), commands.argumentEnd());
            if (xclient == null) {
                replies.bad(FixedReply.XCLIENT_ARGUMENT);
            } else if (replies.idle()) {
                greeting.startAnew(xclient);
            }
        }
    }

    private boolean noArgument() {
        if (commands.hasArgument()) {
            replies.bad(FixedReply.NO_ARGUMENT);
            return false;
        }
        return true;
    }
}
