package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MessageTableTest {

    @Test
    void sizesAreAsLongAsTheyAre() {
        MessageTable messages = new MessageTable();
        long[] sizes = {0, 1, Integer.MAX_VALUE, Integer.MAX_VALUE + 1L, 0xffff_ffffL, 1L << 40};
        int[] rows = new int[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            rows[i] = messages.add(i + 1);
            messages.sizeBytes(rows[i], sizes[i]);
        }
        for (int i = 0; i < sizes.length; i++) {
            assertThat(messages.sizeBytes(rows[i])).isEqualTo(sizes[i]);
        }
        messages.remove(rows[5]);
        int again = messages.add(7);
        assertThat(again).isEqualTo(rows[5]);
        messages.sizeBytes(again, 3);
        assertThat(messages.sizeBytes(again)).isEqualTo(3);
    }

    @Test
    void whatIsReadBeforeTheMailDataIsAllOfALongMessage() {
        MessageTable messages = new MessageTable();
        int inline = messages.add(1);
        messages.location.set(inline, Location.of(1, 64));
        messages.length.set(inline, 4_400);
        messages.sizeBytes(inline, 4_096);
        assertThat(messages.head(inline)).isEqualTo(new Extent(Location.of(1, 64), 304));
        assertThat(messages.record(inline)).isEqualTo(new Extent(Location.of(1, 64), 4_400));
        int inChunks = messages.add(2);
        messages.location.set(inChunks, Location.of(1, 8_000));
        messages.length.set(inChunks, 304);
        messages.sizeBytes(inChunks, 1L << 33);
        assertThat(messages.head(inChunks)).isEqualTo(new Extent(Location.of(1, 8_000), 304));
        assertThat(messages.record(messages.add(3))).isNull();
    }
}
