package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.backupmx.spool.SpoolId;

class IdListTest {

    @Provide
    Arbitrary<List<SpoolId>> ids() {
        return Arbitraries.strings()
                .withCharRange('a', 'z')
                .withCharRange('0', '9')
                .withChars('-')
                .ofMinLength(1)
                .ofMaxLength(SpoolId.MAX_CHARS)
                .map(SpoolId::new)
                .list()
                .ofMaxSize(200);
    }

    @Property(tries = 200)
    void givesWhatItTookInOrder(@ForAll("ids") List<SpoolId> ids, @ForAll @IntRange(min = 1, max = 50) int most) {
        IdList list = new IdList();
        ids.forEach(list::add);
        assertThat(list.size()).isEqualTo(ids.size());

        List<SpoolId> taken = new ArrayList<>();
        while (taken.size() < ids.size()) {
            List<SpoolId> next = list.take(most);
            assertThat(next).hasSizeBetween(1, most);
            taken.addAll(next);
        }
        assertThat(list.take(most)).isEmpty();
        assertThat(taken).isEqualTo(ids);
    }
}
