package org.backupmx.spool;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.spool.testkit.SpoolAbility;
import org.backupmx.spool.testkit.SpoolContract;
import org.backupmx.spool.testkit.SpoolModelContract;
import org.jspecify.annotations.Nullable;

/** Spools with one fault each, as fixtures of the kit. Nested, so that no run but {@link SpoolContractBitesIT}'s finds them. */
final class BrokenSpools {

    private BrokenSpools() {}

    /** No fault: what the others are without theirs. */
    static class Sound implements SpoolContract, SpoolModelContract {

        Forwarding over(InMemorySpool storage) {
            return new Forwarding(storage);
        }

        @Override
        public final Spool newSpool() {
            return over(InMemorySpool.create());
        }

        @Override
        public final Set<SpoolAbility> abilities() {
            return EnumSet.of(SpoolAbility.PERSISTENT, SpoolAbility.CRASHABLE, SpoolAbility.SHAREABLE);
        }

        @Override
        public Spool reopen(Spool closed) throws SpoolException {
            return over(((Forwarding) closed).storage.another());
        }

        @Override
        public Spool crash(Spool open) {
            return over(((Forwarding) open).storage.crash());
        }

        @Override
        public final Spool share(Spool open) {
            return over(((Forwarding) open).storage.another());
        }
    }

    /** Forgets the message that was committed last when it is opened again. */
    static final class LosesTheLastCommit extends Sound {
        @Override
        public Spool reopen(Spool closed) throws SpoolException {
            InMemorySpool storage = ((Forwarding) closed).storage.another();
            SpoolId last = ((Forwarding) closed).lastCommitted;
            if (last != null) {
                storage.delete(last);
            }
            return over(storage);
        }
    }

    /** Says that a message is durable, and makes it so when asked for something else. */
    static final class AnswersBeforeItIsDurable extends Sound {
        @Override
        Forwarding over(InMemorySpool storage) {
            storage.stallCommits();
            return new Forwarding(storage) {
                @Override
                CompletionStage<SpoolId> commit(SpoolWriter writer) throws SpoolException {
                    writer.commit();
                    return CompletableFuture.completedStage(writer.id());
                }

                @Override
                void before() {
                    storage.resumeCommits();
                    storage.stallCommits();
                }
            };
        }
    }

    /** Gives a lease that is still held to the next who asks. */
    static final class LeasesTwice extends Sound {
        @Override
        Forwarding over(InMemorySpool storage) {
            return new Forwarding(storage) {
                private final List<SpoolLease> given = new ArrayList<>();

                @Override
                public synchronized List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
                    List<SpoolLease> leases = new ArrayList<>(super.lease(request));
                    if (leases.isEmpty()) {
                        given.stream()
                                .filter(lease -> lease.domain().equals(request.domain()))
                                .limit(1)
                                .forEach(leases::add);
                        given.clear();
                    }
                    given.addAll(leases);
                    return leases;
                }
            };
        }
    }

    /** Takes the outcome of a lease that has ended. */
    static final class SettlesAfterTheEnd extends Sound {
        @Override
        Forwarding over(InMemorySpool storage) {
            return new Forwarding(storage) {
                @Override
                public void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
                    Instant inTime = lease.until().minusMillis(1);
                    Instant at = settlement.at().isAfter(inTime) ? inTime : settlement.at();
                    super.settle(
                            lease, new Settlement(at, settlement.states(), settlement.nextDue(), settlement.attempt()));
                }
            };
        }
    }

    /** Thinks that mail data is lines of text. */
    static final class MendsLineEnds extends Sound {
        @Override
        Forwarding over(InMemorySpool storage) {
            return new Forwarding(storage) {
                @Override
                public InputStream read(SpoolId id) throws SpoolException {
                    try (InputStream in = super.read(id)) {
                        byte[] octets = in.readAllBytes();
                        for (int i = 1; i < octets.length; i++) {
                            if (octets[i] == '\n' && octets[i - 1] == '\n') {
                                octets[i - 1] = '\r';
                            }
                        }
                        return new ByteArrayInputStream(octets);
                    } catch (SpoolException e) {
                        throw e;
                    } catch (IOException e) {
                        throw new SpoolException("unreadable " + id, e);
                    }
                }
            };
        }
    }

    /** Compares local parts without case, and keeps them so. */
    static final class FoldsLocalParts extends Sound {
        @Override
        Forwarding over(InMemorySpool storage) {
            return new Forwarding(storage) {
                @Override
                public SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
                    Envelope.Builder folded = Envelope.from(envelope.reversePath())
                            .bodyType(envelope.bodyType())
                            .smtpUtf8(envelope.smtpUtf8())
                            .requireTls(envelope.requireTls())
                            .dsn(envelope.dsn());
                    envelope.declaredBytes().ifPresent(folded::declaredBytes);
                    for (Recipient recipient : envelope.recipients()) {
                        Mailbox mailbox = recipient.path().mailbox();
                        Mailbox lower = new Mailbox(mailbox.localPart().toLowerCase(Locale.ROOT), mailbox.domain());
                        Recipient kept = Recipient.of(new ForwardPath(lower)).withNotify(recipient.notifications());
                        folded.to(recipient.orcpt().map(kept::withOrcpt).orElse(kept));
                    }
                    return super.begin(folded.build(), receivedAt);
                }
            };
        }
    }

    /** A spool that hands every call on. */
    static class Forwarding implements Spool {
        final InMemorySpool storage;
        volatile @Nullable SpoolId lastCommitted;

        Forwarding(InMemorySpool storage) {
            this.storage = storage;
        }

        void before() {}

        CompletionStage<SpoolId> commit(SpoolWriter writer) throws SpoolException {
            return writer.commit();
        }

        @Override
        public SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
            SpoolWriter writer = storage.begin(envelope, receivedAt);
            return new SpoolWriter() {
                @Override
                public SpoolId id() {
                    return writer.id();
                }

                @Override
                public void write(ByteBuffer mailData) throws SpoolException {
                    writer.write(mailData);
                }

                @Override
                public CompletionStage<SpoolId> commit() throws SpoolException {
                    CompletionStage<SpoolId> commit = Forwarding.this.commit(writer);
                    lastCommitted = writer.id();
                    return commit;
                }

                @Override
                public void close() {
                    writer.close();
                }
            };
        }

        @Override
        public List<SpoolLane> lanes() throws SpoolException {
            before();
            return storage.lanes();
        }

        @Override
        public Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
            before();
            return storage.nextDue(domain);
        }

        @Override
        public List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
            before();
            return storage.lease(request);
        }

        @Override
        public SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
            return storage.renew(lease, now, until);
        }

        @Override
        public InputStream read(SpoolId id) throws SpoolException {
            before();
            return storage.read(id);
        }

        @Override
        public void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
            storage.settle(lease, settlement);
        }

        @Override
        public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
            before();
            storage.scan(visitor);
        }

        @Override
        public SpoolHealth health() {
            return storage.health();
        }

        @Override
        public void close() throws SpoolException {
            storage.close();
        }
    }
}
