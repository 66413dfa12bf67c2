package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A day of mail, half of it relayed at once, half deferred and relayed an hour later, is written about once. */
class WriteAmplificationIT {

    private static final int SEGMENT_BYTES = 1 << 20;
    private static final int MAIL_BYTES = 4 << 10;
    private static final Duration HOUR = Duration.ofHours(1);

    @TempDir
    private Path directory;

    private final AtomicLong written = new AtomicLong();

    /** The disk, and how much is written to it. */
    private final class CountingIo extends PassThroughIo {

        CountingIo() {
            super(new DiskIo());
        }

        @Override
        public Handle openForWriting(Path file) throws IOException {
            return new PassThroughHandle(super.openForWriting(file)) {
                @Override
                public int write(ByteBuffer from, long position) throws IOException {
                    int bytes = super.write(from, position);
                    written.addAndGet(bytes);
                    return bytes;
                }

                @Override
                public void force() {
                    // what is written before a force counts, zeros included; the force itself would only take time
                }
            };
        }
    }

    private static List<SpoolLease> lease(FileSpool spool, MailDomain domain, Instant now) throws SpoolException {
        return spool.lease(new LeaseRequest(domain, now, now, now.plusSeconds(60), 100));
    }

    private static void store(FileSpool spool, MailDomain domain, Instant now, byte[] mailData) throws SpoolException {
        try (SpoolWriter writer = spool.begin(Envelopes.to("someone@" + domain), now)) {
            writer.write(ByteBuffer.wrap(mailData));
            await(writer.commit());
        }
    }

    @ParameterizedTest(name = "{0} quarters of a segment an hour")
    @ValueSource(ints = {2, 16})
    void mailIsWrittenAboutOnce(int quarters) throws Exception {
        int anHour = quarters * SEGMENT_BYTES / 4 / MAIL_BYTES;
        int messages = 24 * anHour;
        MailDomain prompt = MailDomain.of("prompt.example");
        MailDomain late = MailDomain.of("late.example");
        byte[] mailData = octets(MAIL_BYTES, 1);
        try (FileSpool spool = FileSpool.builder(directory)
                .io(new CountingIo())
                .segmentBytes(SEGMENT_BYTES)
                .minimumFreeBytes(FileSpoolBuilder.MIN_MINIMUM_FREE_BYTES)
                .minimumFreePercent(0)
                .open()) {
            for (int i = 0; i < messages; i++) {
                Instant now = START.plus(HOUR.multipliedBy(i).dividedBy(anHour));
                MailDomain domain = i % 2 == 0 ? prompt : late;
                store(spool, domain, now, mailData);
                for (SpoolLease lease : lease(spool, domain, now)) {
                    boolean isRelayed = domain.equals(prompt) || lease.attempts() > 0;
                    spool.settle(lease, isRelayed ? relayed(lease, now) : deferred(lease, now, now.plus(HOUR)));
                }
            }
        }
        double amplification = (double) written.get() / ((long) messages * MAIL_BYTES);
        System.out.printf("%d quarters of a segment an hour: written %.3f times%n", quarters, amplification);
        assertThat(amplification).isLessThanOrEqualTo(1.3);
    }
}
