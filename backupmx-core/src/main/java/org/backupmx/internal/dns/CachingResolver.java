package org.backupmx.internal.dns;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.EDNSOption;
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

    private static final Duration MIN_TTL = Duration.ofSeconds(60);
    private static final Duration MAX_TTL = Duration.ofDays(1);
    private static final Duration MAX_NEGATIVE_TTL = Duration.ofHours(1);

    private record Question(Name name, int type, int dclass) {}

    /** A message, or why there is none: kept for nothing, but a failed load would be Caffeine's to log. */
    private record Answer(
            @Nullable Message message, @Nullable Throwable fault) {

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

    CachingResolver(Resolver resolver, Ticker ticker) {
        this.resolver = resolver;
        this.answers = Caffeine.newBuilder()
                .maximumWeight(MAX_BYTES)
                .weigher((Question question, Answer answer) -> 100 + answer.bytes())
                .expireAfter(Expiry.creating((Question question, Answer answer) -> timeToLive(answer.message())))
                .ticker(ticker)
                .executor(Runnable::run)
                .buildAsync();
    }

    @Override
    public CompletionStage<Message> sendAsync(Message query, Executor executor) {
        Record question = query.getQuestion();
        Question key = new Question(question.getName(), question.getType(), question.getDClass());
        return answers.get(
                        key,
                        (k, unused) -> resolver.sendAsync(query, executor)
                                .handle(Answer::new)
                                .toCompletableFuture())
                .thenCompose(Answer::stage);
    }

    @Override
    public CompletionStage<Message> sendAsync(Message query) {
        return sendAsync(query, Runnable::run);
    }

    /** Returns for how long an answer serves: none at all for a server's failure. */
    private static Duration timeToLive(@Nullable Message answer) {
        if (answer == null || (answer.getRcode() != Rcode.NOERROR && answer.getRcode() != Rcode.NXDOMAIN)) {
            return Duration.ZERO;
        }
        List<Record> records = answer.getSection(Section.ANSWER);
        if (records.isEmpty() || answer.getRcode() == Rcode.NXDOMAIN) {
            return atMost(negativeTimeToLive(answer), MAX_NEGATIVE_TTL);
        }
        long seconds = records.stream().mapToLong(Record::getTTL).min().orElse(0);
        return atMost(Duration.ofSeconds(seconds), MAX_TTL);
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

    private static Duration atMost(Duration value, Duration most) {
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
