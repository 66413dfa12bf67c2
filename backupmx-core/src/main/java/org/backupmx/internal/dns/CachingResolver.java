package org.backupmx.internal.dns;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.backupmx.dns.MxLookup;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.EDNSOption;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Resolver;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.TSIG;

/**
 * Another resolver with a memory: an answer serves for its time to live, within bounds, and one question is asked once
 * however many wait for it. dnsjava's own cache knows no least time to live and no bound in bytes.
 */
final class CachingResolver implements Resolver {

    /** The most bytes of answers, as on the wire; in memory they take a few times that. */
    static final long MAX_BYTES = 8L << 20;

    /** The most records of an answer; one with more is taken for a failure. */
    static final int MAX_RECORDS = MxLookup.MAX_EXCHANGERS;

    private static final Duration MIN_TTL = Duration.ofSeconds(60);
    private static final Duration MAX_TTL = Duration.ofDays(1);
    private static final Duration MAX_NEGATIVE_TTL = Duration.ofHours(1);

    private record Question(Name name, int type, int dclass) {}

    /** A message, or why there is none: kept for nothing, but a failed load would be Caffeine's to log. */
    private record Answer(
            @Nullable Message message, @Nullable Throwable fault) {

        static Answer of(@Nullable Message message, @Nullable Throwable fault) {
            if (message == null) {
                Throwable cause = fault instanceof CompletionException ? fault.getCause() : fault;
                return cause instanceof OneOfSeveral.NoAnswer none
                        ? of(none.message(), null) // no server said more
                        : new Answer(null, fault);
            }
            if (message.getHeader().getFlag(Flags.TC)) {
                // over UDP it would have been asked for again: this one came by TCP, and is not whole
                return new Answer(null, new IOException("answer truncated over TCP"));
            }
            // what dnsjava does with them grows with the square of their number
            int records = IntStream.of(Section.ANSWER, Section.AUTHORITY, Section.ADDITIONAL)
                    .map(message.getHeader()::getCount)
                    .sum();
            return records > MAX_RECORDS
                    ? new Answer(null, new IOException("answer of " + records + " records"))
                    : new Answer(message, null);
        }

        CompletionStage<Message> stage() {
            return message != null
                    ? CompletableFuture.completedFuture(message)
                    : CompletableFuture.failedFuture(requireNonNull(fault, "fault"));
        }

        int bytes() {
            return message == null ? 0 : message.numBytes();
        }
    }

    private final Resolver resolver;
    private final AsyncCache<Question, Answer> answers;
    private final boolean asksAfresh;

    CachingResolver(Resolver resolver, Ticker ticker) {
        this.resolver = resolver;
        this.asksAfresh = false;
        this.answers = Caffeine.newBuilder()
                .maximumWeight(MAX_BYTES)
                .weigher((Question question, Answer answer) -> 100 + answer.bytes())
                .expireAfter(
                        Expiry.creating((Question question, Answer answer) -> timeToLive(question, answer.message())))
                .ticker(ticker)
                .executor(Runnable::run)
                .buildAsync();
    }

    private CachingResolver(CachingResolver from) {
        this.resolver = from.resolver;
        this.answers = from.answers;
        this.asksAfresh = true;
    }

    /** Returns a view that remembers answers and uses none of them; a question that is under way is joined. */
    CachingResolver afresh() {
        return new CachingResolver(this);
    }

    @Override
    public CompletionStage<Message> sendAsync(Message query, Executor executor) {
        Question question = question(query);
        if (asksAfresh) {
            forget(question);
        }
        return answers.get(
                        question,
                        (k, unused) -> resolver.sendAsync(query, executor)
                                .handle(Answer::of)
                                .toCompletableFuture())
                .thenCompose(Answer::stage);
    }

    @Override
    public CompletionStage<Message> sendAsync(Message query) {
        return sendAsync(query, Runnable::run);
    }

    private static Question question(Message query) {
        Record question = query.getQuestion();
        return new Question(question.getName(), question.getType(), question.getDClass());
    }

    private void forget(Question question) {
        CompletableFuture<Answer> known = answers.getIfPresent(question);
        if (known != null && known.isDone()) {
            answers.asMap().remove(question, known);
        }
    }

    /** Tells whether a message says something of what was asked; else a server failed, or refused. */
    static boolean isAnswer(Message message) {
        return message.getRcode() == Rcode.NOERROR || message.getRcode() == Rcode.NXDOMAIN;
    }

    /** Returns for how long an answer serves: none at all for a server's failure. */
    private static Duration timeToLive(Question question, @Nullable Message answer) {
        if (answer == null || !isAnswer(answer)) {
            return Duration.ZERO;
        }
        List<Record> records = answer.getSection(Section.ANSWER);
        Duration whileThere = Duration.ofSeconds(
                records.stream().mapToLong(Record::getTTL).min().orElse(MAX_TTL.toSeconds()));
        boolean isThere = answer.getRcode() == Rcode.NOERROR
                && records.stream().anyMatch(record -> record.getType() == question.type());
        if (isThere) {
            return within(whileThere, MAX_TTL);
        }
        // an alias may live long and what it leads to be missing for a moment
        Duration missing = negativeTimeToLive(answer);
        return within(missing.compareTo(whileThere) < 0 ? missing : whileThere, MAX_NEGATIVE_TTL);
    }

    /** Returns what the SOA record says (RFC 2308 section 5). */
    private static Duration negativeTimeToLive(Message answer) {
        return answer.getSection(Section.AUTHORITY).stream()
                .filter(SOARecord.class::isInstance)
                .map(SOARecord.class::cast)
                .map(soa -> Duration.ofSeconds(Math.min(soa.getTTL(), soa.getMinimum())))
                .findFirst()
                .orElse(MIN_TTL);
    }

    private static Duration within(Duration value, Duration most) {
        if (value.compareTo(MIN_TTL) < 0) {
            return MIN_TTL;
        }
        return value.compareTo(most) > 0 ? most : value;
    }

    // Settings are those of the resolver below; what is remembered stays.

    @Override
    public void setPort(int port) {
        resolver.setPort(port);
    }

    @Override
    public void setTCP(boolean flag) {
        resolver.setTCP(flag);
    }

    @Override
    public void setIgnoreTruncation(boolean flag) {
        resolver.setIgnoreTruncation(flag);
    }

    @Override
    public void setEDNS(int version, int payloadSize, int flags, List<EDNSOption> options) {
        resolver.setEDNS(version, payloadSize, flags, options);
    }

    @Override
    public void setTSIGKey(TSIG key) {
        resolver.setTSIGKey(key);
    }

    @Override
    public void setTimeout(Duration timeout) {
        resolver.setTimeout(timeout);
    }

    @Override
    public Duration getTimeout() {
        return resolver.getTimeout();
    }
}
