package org.backupmx.relay;

import java.util.List;
import java.util.regex.Pattern;
import org.backupmx.mail.SmtpReply;
import org.jspecify.annotations.Nullable;

/**
 * The words by which hosts say what a reply is about. The first rule that finds one of its phrases decides; what is
 * specific comes before what is vague: "mailbox unavailable: greylisted" is greylisting, "blocked by policy: spam" is
 * spam. No pattern repeats what can be repeated inside it, so matching is linear.
 */
final class ReplyWords {

    private record Rule(ReplyClass found, boolean onlyTransient, Pattern phrases) {
        Rule(ReplyClass found, boolean onlyTransient, String... phrases) {
            this(found, onlyTransient, Pattern.compile(String.join("|", phrases)));
        }
    }

    private static final List<Rule> RULES = List.of(
            new Rule(
                    ReplyClass.GREYLIST,
                    true,
                    "gr[ae]y[ -]?list",
                    "not yet authorized to deliver",
                    "come back (later|in|after)"),
            new Rule(
                    ReplyClass.LOOP,
                    false,
                    "too many (hops|\"?received\"?)",
                    "\\bmail loop|\\bloops? back|\\blooping\\b|\\brouting loop|forwarding loop|message loop",
                    "loop detected|hop count|exceeded \\d+ hops|mxloopback|configured in a loop"),
            new Rule(
                    ReplyClass.SIZE,
                    false,
                    "message (size |length |file )?(is )?(exceed|too (big|large|long))",
                    "message (size|length) .{0,40}(exceed|limit)",
                    "(message|mail|email|maximum email)[ -]?size .{0,30}(exceed|limit)",
                    "exceed(s|ed)? .{0,30}((message|mail)[ -]?size|size limit)",
                    "(message|mail) is (too )?(big|large|long)|databytes limit|sizelimit",
                    "message exceeds (the )?(maximum|local|allowed)|header size|taille .{0,20}message"),
            new Rule(
                    ReplyClass.POLICY,
                    false,
                    "(daily|hourly|sending|relay|smtp) [a-z ]{0,20}(quota|limit)( is| was)? exceed|exceeded .{0,20}(daily|hourly|per hour|per day)",
                    "throttl|too (quickly|fast)|slower|rate that prevents|trop de connexions",
                    "rfc ?\\d{3,4}[ -](non-?)?complian|(not|non) ?-?complian[a-z]+ with (the )?rfc|multiple .{0,20}headers"),
            new Rule(
                    ReplyClass.FULL,
                    false,
                    "(mailbox|inbox|mail file|mail ?folder|maildir|account|storage|postfach|mail ?box|boite)"
                            + "[^.;]{0,60}\\b(full|voll|pleine)\\b",
                    "\\bfull mail ?box|space has been used up|(mailbox|user|recipient)[^.;]{0,60}(enough|sufficient) (disk )?space",
                    "disk ?(space )?quota|(mailbox|user|recipient|account)[^.;]{0,60}exceed[^.;]{0,30}(disk ?space|storage)",
                    "over (the )?(allowed )?quota|quota (usage (is )?(exceed|full)|violation)|reached .{0,20}quota",
                    "over (its |his |the |her )?(disk |size |storage )?quota",
                    "quota (is )?(exceed|full|depasse)|exceed(s|ed|ing)? .{0,20}quota|over ?quota",
                    "exceeded (its |the )?storage|storage (allocation|allotment|limit|space|exceeded)",
                    "mailbox (size )?(limit )?(is )?exceed|mailbox size limit|out of storage"),
            new Rule(
                    ReplyClass.AUTH,
                    false,
                    "\\b(spf|dkim|dmarc)\\b|open-?spf|sender policy framework|sender id \\(pra\\)",
                    "starttls|\\btls (is |encryption |handshake )|encryption (is )?required",
                    "smtp auth|authenticat(ion|e) (is )?(required|unsuccessful|failed|credentials)",
                    "authentication (information|checks?)\\b|requires authentication",
                    "unauthenticated|not (been )?authenticated|not logged in|incorrect authentication|\\bauth command",
                    "authentification requise|did(n't| not) use tls|not use tls"),
            new Rule(
                    ReplyClass.SPAM,
                    false,
                    "\\bspam|\\bjunk ?mail|spammy|unsolicited|phish|virus|malware|infected|\\bworm\\b|gtube",
                    "black ?-?list|block ?-?list|\\bbl[ao]ck list|dnsbl|\\brbl|\\bdns_?bl|surbl|uribl",
                    "blocked using|listed (at|in|on|by) |spamhaus|spamcop|barracudacentral",
                    "reputation|complaint|banned send|bad outbound sender|likely suspicious",
                    "unusual (rate|sending|volume|activity)|content (denied|rejected)|suspected bounce",
                    "ipcheck\\.proofpoint|blocked - see|permanently deferred|refused; see",
                    "weren't sent|part of their network|mcspam|antispam|open proxy|dynamic ip|unwanted messages",
                    "content[ -]filter|(unacceptable|banned|mail|message) content|content or the links|bulk[ .-](e-?mail|mail|adv)",
                    "pattern detection|(message|mail) (was |has been )?filtered|blocked by (our|the) .{0,20}filter",
                    "\\babus(e|if)\\b|(bad|sender|sending) ip (address|profile)|accepting mail from your ip"),
            new Rule(
                    ReplyClass.POLICY,
                    false,
                    "sender (address )?(rejected|verif|not |domain)|domain of sender|from sender|badmailfrom",
                    "reverse (dns|hostname)|\\bptr\\b|cannot find your|ip name lookup|helo|client host rejected",
                    "rcpthosts|relay (access )?(denied|not|rejected)|relaying|unable to relay|relay not",
                    "too m(any|uch) (concurrent |open |smtp |tls )*(connections|sessions|messages|mail\\b|recipients?|errors)",
                    "(rate|frequency|connections?) (is )?limit|rate exceeded|throttl|maximum number of concurrent",
                    "exceeded (a |the |message )?(maximum number|rate|threshold|limit)|at a rate|sending rate|excessive connection",
                    "attachment|file (type|name)|security (policies|issue|policy)|members?( may|\\b)",
                    "anti-?spoofing|line length|pipelining",
                    "\\bbatv\\b|backscatter protection|invalid sender|sender (e-?mail |ip )?(address )?(was |is |reverse )?"
                            + "(rejected|invalid|lookup)|bogus mail from",
                    "(open|mail) relay\\b|\\bto relay\\b|\\bas a relay|reverse lookup|client ip\\b|forward dns",
                    "protocol violation|mailing list|not subscribed|senders? (isn't|to accept)|organizational settings"),
            new Rule(
                    ReplyClass.UNKNOWN_USER,
                    false,
                    "(user|recipient|mailbox|account|address|alias|addressee|customer|benutzer)[^;]{0,80}\\b(unknown|unbekannt|inconnu)",
                    "(unknown|invalid|illegal|no such|not a valid|non-?existent|nonexistent|bad|inactive) "
                            + "(or illegal )?(local )?(user|recipient|mailbox|account|address|alias|e-?mail|destination|rcpt|domain)",
                    "\\bunknown user|\"unknown user\"|user(s)? (not|does|doesn)|desconhecido",
                    "(do(es)?( not|n't)|did(n't| not)) (exist|have an?\\b)|not exist|not (be )?(found|known|our customer|listed|here)\\b",
                    "no mailbox|no longer|isn't here|is not here|unrouteable|unroutable|not deliver mail for <",
                    "mailbox (is |was )?(not|unavailable|disabled|closed|temporarily disabled|inactive|<[^>]{0,100}> unavailable)",
                    "account (is |has been |that .{0,40} is )?(disabled|inactive|discontinued|not)|this (mailbox|account)",
                    "(user|recipient) has moved|tried to reach is (disabled|inactive)|mailbox for .{0,60} unavailable",
                    "recipient address rejected: ?(access denied|user|undeliverable|domain not found|bad|[a-z0-9.-]+$)",
                    "validrcptto|allowed recipients|address rejected|recipient rejected|recipient (not|unknown|unavailable)",
                    "user address required|host unknown|possibly incorrect|temporarily disabled|recipnotfound",
                    "(recipient|user|account|mailbox)[^.;]{0,30}\\b(is )?(blocked|suspended|locked)\\b|disabled (recipient|user|account)"),
            new Rule(
                    ReplyClass.POLICY,
                    false,
                    "polic(y|ies)|prohibit|not (permitted|authorized|allowed|accepted|owned)|access (denied|restricted|to )",
                    "restricted|allowed senders|frequency|forbidden|banned|compliance|blocked"),
            new Rule(
                    ReplyClass.SYSTEM,
                    false,
                    "temporar(il)?y|try (again )?later|please (re)?try|timed? ?out|timeout|disk|system storage|resources",
                    "local (error|problem|configuration)|config(uration)? (error|problem)|misconfigured|internal",
                    "service (is |currently )?(not |un)?available|not (currently )?accepting (connections|e?-?mail)|system full",
                    "error (occurred )?while|system call|transaction failed",
                    "overload|too busy|server busy|load|shutting down|write error|unrecognized|command|syntax"));

    private ReplyWords() {}

    /** Returns what a text in lower case is about; null if its words do not tell. */
    static @Nullable ReplyClass find(String text, SmtpReply reply) {
        for (Rule rule : RULES) {
            if ((!rule.onlyTransient() || reply.isTransient())
                    && rule.phrases().matcher(text).find()) {
                return rule.found();
            }
        }
        return null;
    }
}
