package org.backupmx.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Resolver;

class CachingResolverTest {

    private static final Duration TIMEOUT = Duration.ofMillis(1234);

    private final List<String> told = new ArrayList<>();
    private final Resolver below = (Resolver) Proxy.newProxyInstance(
            Resolver.class.getClassLoader(), new Class<?>[] {Resolver.class}, (proxy, m, args) -> {
                told.add(m.getName() + Arrays.toString(args));
                return m.getName().equals("getTimeout") ? TIMEOUT : null;
            });
    private final Resolver resolver = new CachingResolver(below, Ticker.systemTicker());

    @Test
    void settingsAreThoseOfTheResolverBelow() {
        resolver.setPort(5353);
        resolver.setTCP(true);
        resolver.setIgnoreTruncation(true);
        resolver.setEDNS(0, 1232, 0, List.of());
        resolver.setTSIGKey(null);
        resolver.setTimeout(TIMEOUT);

        assertThat(told)
                .containsExactly(
                        "setPort[5353]",
                        "setTCP[true]",
                        "setIgnoreTruncation[true]",
                        "setEDNS[0, 1232, 0, []]",
                        "setTSIGKey[null]",
                        "setTimeout[PT1.234S]");
        assertThat(resolver.getTimeout()).isEqualTo(TIMEOUT);
    }
}
