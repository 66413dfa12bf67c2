package org.backupmx.examples;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import org.backupmx.BackupMx;
import org.backupmx.BackupMxBuilder;
import org.backupmx.dns.MxResolver;
import org.backupmx.greylist.GreylistPolicy;
import org.backupmx.history.HistoryStore;
import org.backupmx.history.file.FileHistory;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.smtp.EventLoops;
import org.backupmx.smtp.SmtpClient;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.jdbc.JdbcSpool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves until the process is told to end. */
@Command(
        name = "serve",
        description =
                "Serves until SIGTERM or SIGINT. Exit code 2 if the configuration is at fault, 1 for other faults.",
        mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {

    /** Begins the line on standard output that tells each address once it listens. */
    static final String LISTENING = "listening on ";

    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);
    private static final int DATABASE_CONNECTIONS = 20;

    @Option(names = "--config", required = true, paramLabel = "FILE", description = "The configuration file (YAML).")
    private Path file;

    @Option(names = "--check", description = "Only check the configuration file, then end.")
    private boolean check;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        ServerConfig config = ServerConfig.read(file);
        if (check) {
            out.println(file + ": good");
            return 0;
        }
        serve(config, out);
        return 0;
    }

    private static void serve(ServerConfig config, PrintWriter out) throws Exception {
        try (OpenSpool spool = OpenSpool.of(config);
                EventLoops loops = EventLoops.create().withTransport(config.transport())) {
            SmtpServer server = server(config, loops);
            SmtpClient client = SmtpClient.create().withEventLoops(loops);
            BackupMx mx = engine(config, spool, server, client).build();
            Optional<AdminServer> admin = admin(config, mx);
            Thread ender = new Thread(() -> end(mx, admin, loops, spool), "shutdown");
            try {
                mx.start().toCompletableFuture().join();
            } catch (CompletionException e) {
                admin.ifPresent(AdminServer::close);
                mx.close();
                throw e;
            }
            Runtime.getRuntime().addShutdownHook(ender);
            for (InetSocketAddress address : server.addresses()) {
                out.println(LISTENING + address.getAddress().getHostAddress() + ":" + address.getPort());
            }
            out.flush();
            mx.awaitTermination();
            ender.join();
        }
    }

    private static Optional<AdminServer> admin(ServerConfig config, BackupMx mx) throws IOException {
        if (config.adminSocket().isEmpty()) {
            return Optional.empty();
        }
        AdminRequests requests = new AdminRequests(mx, InstantSource.system());
        return Optional.of(AdminServer.open(config.adminSocket().get(), requests::answer, AdminServer.TIMEOUT));
    }

    /** Runs when the process is told to end. */
    private static void end(BackupMx mx, Optional<AdminServer> admin, EventLoops loops, OpenSpool spool) {
        LOG.atInfo().log("stopping");
        admin.ifPresent(AdminServer::close);
        mx.close();
        loops.close();
        try {
            spool.close();
            LOG.atInfo().log("stopped");
        } catch (IOException e) {
            LOG.atError().addKeyValue("reason", ReferenceServer.oneLine(e)).log("spool not closed");
        }
    }

    private static SmtpServer server(ServerConfig config, EventLoops loops) {
        ServerLimits limits = config.limits();
        SmtpServer server = SmtpServer.on(config.listen())
                .eventLoops(loops)
                .limits(limits.smtp())
                .bareLineEnds(limits.bareLineEnds());
        return config.tls().map(tls -> server.startTls(tls.startTls())).orElse(server);
    }

    private static BackupMxBuilder engine(ServerConfig config, OpenSpool spool, SmtpServer server, SmtpClient client) {
        BackupMxBuilder builder = BackupMx.builder()
                .hostname(config.hostname())
                .ownIdentity(config.identity())
                .relayDomains(RelayDomains.of(domains(config)).withByDestination(config.byDestination()))
                .intakeServer(server)
                .relayClient(client)
                .spool(spool.spool())
                .mxResolver(config.resolvers().isEmpty() ? MxResolver.system() : MxResolver.of(config.resolvers()))
                .routes(config.routes())
                .retryPolicy(config.schedule().retryPolicy())
                .undelivered(config.schedule().undelivered())
                .senderVerifier(config.verifiedSenders())
                .greylist(config.greylistDelay().map(GreylistPolicy::inMemory).orElse(GreylistPolicy.off()))
                .healthProbe(config.probe().healthProbe())
                .relaySettings(config.relay())
                .deliveryRate(config.rate())
                .drainOrder(config.drainOrder())
                .mode(config.mode())
                .recycleFor(config.recycle())
                .repeatWindow(config.repeatWindow())
                .maxMessageBytes(config.limits().messageBytes())
                .maxRecipients(config.limits().recipients())
                .allowPrivateNextHops(config.allowPrivateNextHops())
                .allowRoutedLocalParts(config.allowRoutedLocalParts())
                .maxDeliveriesPerPrimary(config.deliveriesPerPrimary())
                .breaker(config.breaker());
        config.postmaster().ifPresent(builder::postmaster);
        spool.history().ifPresent(builder::historyStore);
        return builder;
    }

    private static List<RelayDomain> domains(ServerConfig config) {
        List<RelayDomain> domains = new ArrayList<>();
        config.domains().forEach((name, domain) -> domains.add(domain.relayDomain(name)));
        return domains;
    }

    /** The spool with what was opened for it and beside it. */
    private record OpenSpool(Spool spool, Optional<HistoryStore> history, Runnable below) implements AutoCloseable {

        static OpenSpool of(ServerConfig config) throws IOException {
            OpenSpool opened = config.spool().startsWith("jdbc:") ? database(config.spool()) : directory(config);
            if (config.history().isEmpty()) {
                return opened;
            }
            try {
                HistoryStore history = FileHistory.open(config.history().get());
                return new OpenSpool(opened.spool(), Optional.of(history), opened.below());
            } catch (IOException e) {
                opened.close();
                throw e;
            }
        }

        private static OpenSpool directory(ServerConfig config) throws IOException {
            Path keyFile = config.spoolKeyFile().orElse(null);
            return new OpenSpool(SpoolDirectory.open(Path.of(config.spool()), keyFile), Optional.empty(), () -> {});
        }

        private static OpenSpool database(String location) throws IOException {
            HikariConfig pool = new HikariConfig();
            pool.setJdbcUrl(location);
            pool.setMaximumPoolSize(DATABASE_CONNECTIONS);
            pool.setConnectionTimeout(Duration.ofSeconds(10).toMillis());
            HikariDataSource source = connect(pool);
            try {
                return new OpenSpool(JdbcSpool.builder(source).open(), Optional.empty(), source::close);
            } catch (SpoolException e) {
                source.close();
                throw e;
            }
        }

        private static HikariDataSource connect(HikariConfig pool) throws SpoolException {
            try {
                return new HikariDataSource(pool);
            } catch (HikariPool.PoolInitializationException e) {
                throw new SpoolUnavailableException(
                        "spool: no connection to the database", Objects.requireNonNullElse(e.getCause(), e));
            }
        }

        @Override
        public void close() throws IOException {
            try {
                spool.close();
            } finally {
                try {
                    closeHistory();
                } finally {
                    below.run();
                }
            }
        }

        private void closeHistory() throws IOException {
            if (history.isPresent()) {
                history.get().close();
            }
        }
    }
}
