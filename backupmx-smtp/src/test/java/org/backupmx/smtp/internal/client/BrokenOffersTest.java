package org.backupmx.smtp.internal.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.backupmx.smtp.internal.client.BrokenOffers.Offer;
import org.junit.jupiter.api.Test;

class BrokenOffersTest {

    private final BrokenOffers broken = new BrokenOffers();

    private static InetSocketAddress address(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @Test
    void isRememberedForAnHourByOfferAndAddress() {
        broken.note(Offer.STARTTLS, address(25), -5);
        long hour = BrokenOffers.KEPT.toNanos();
        assertThat(broken.isBroken(Offer.STARTTLS, address(25), hour - 6)).isTrue();
        assertThat(broken.isBroken(Offer.STARTTLS, address(26), 0)).isFalse();
        assertThat(broken.isBroken(Offer.CHUNKING, address(25), 0)).isFalse();
        assertThat(broken.isBroken(Offer.STARTTLS, address(25), hour - 5)).isFalse();
        assertThat(broken.isBroken(Offer.STARTTLS, address(25), 0))
                .as("forgotten")
                .isFalse();
    }

    @Test
    void theOldestGoFirst() {
        for (int i = 0; i < BrokenOffers.MOST; i++) {
            broken.note(Offer.CHUNKING, address(i + 1), 0);
        }
        broken.note(Offer.CHUNKING, address(1), 1);
        broken.note(Offer.CHUNKING, address(60_000), 1);
        assertThat(broken.isBroken(Offer.CHUNKING, address(2), 1)).isFalse();
        assertThat(broken.isBroken(Offer.CHUNKING, address(1), 1)).isTrue();
        assertThat(broken.isBroken(Offer.CHUNKING, address(60_000), 1)).isTrue();
    }
}
