package org.backupmx.internal.dns;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.SimpleResolver;

/**
 * A server with others beside it: that it cannot or will not say is no answer of it but a failure, for which dnsjava asks the
 * next one, as for silence.
 */
final class OneOfSeveral extends SimpleResolver {

    /** A server's answer that says nothing of the question. */
    static final class NoAnswer extends IOException {
        private static final long serialVersionUID = 1;

        private final transient Message message;

        NoAnswer(Message message) {
            super(Rcode.string(message.getRcode()));
            this.message = message;
        }

        /** Returns what the server said. */
        Message message() {
            return message;
        }
    }

    OneOfSeveral(InetSocketAddress server) {
        super(server);
    }

    @Override
    public CompletionStage<Message> sendAsync(Message query, Executor executor) {
        return super.sendAsync(query, executor)
                .thenCompose(answer -> CachingResolver.isAnswer(answer)
                        ? CompletableFuture.completedFuture(answer)
                        : CompletableFuture.failedFuture(new NoAnswer(answer)));
    }
}
