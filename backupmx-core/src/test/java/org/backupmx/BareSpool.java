package org.backupmx;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;

/** A spool that can do what every spool can, and no more. */
record BareSpool(Spool spool) implements Spool {

    @Override
    public SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
        return spool.begin(envelope, receivedAt);
    }

    @Override
    public List<SpoolLane> lanes() throws SpoolException {
        return spool.lanes();
    }

    @Override
    public Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
        return spool.nextDue(domain);
    }

    @Override
    public List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
        return spool.lease(request);
    }

    @Override
    public SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
        return spool.renew(lease, now, until);
    }

    @Override
    public InputStream read(SpoolId id) throws SpoolException {
        return spool.read(id);
    }

    @Override
    public void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
        spool.settle(lease, settlement);
    }

    @Override
    public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        spool.scan(visitor);
    }

    @Override
    public SpoolHealth health() {
        return spool.health();
    }

    @Override
    public void close() throws SpoolException {
        spool.close();
    }
}
