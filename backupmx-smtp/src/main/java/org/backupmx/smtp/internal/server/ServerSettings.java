package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.backupmx.intake.Intake;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.jspecify.annotations.Nullable;

/**
 * What all sessions of a server share.
 *
 * @param intake what to ask
 * @param tls makes the handler of each handshake; null when STARTTLS is not offered
 * @param nanoTime the clock of all durations
 */
public record ServerSettings(
        Intake intake,
        SmtpLimits limits,
        BareLineEnds bareLineEnds,
        @Nullable Function<ByteBufAllocator, SslHandler> tls,
        ConnectionLimiter limiter,
        LongSupplier nanoTime) {}
