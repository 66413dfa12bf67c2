package org.backupmx.examples;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.backupmx.BackupMx;
import org.backupmx.smtp.SmtpClient;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.spool.Spool;
import org.backupmx.spool.file.FileSpool;

/** The smallest backup MX. */
public final class QuickStart {

    private QuickStart() {}

    /** Serves example.org and example.com until the process ends. */
    public static void main(String[] args) throws Exception {
        try (Spool spool = FileSpool.open(Path.of("data", "spool"));
                BackupMx mx = BackupMx.builder()
                        .hostname("mx2.example.net")
                        .relayDomains("example.org", "example.com")
                        .intakeServer(SmtpServer.on(new InetSocketAddress(2525)))
                        .relayClient(SmtpClient.create())
                        .spool(spool)
                        .build()) {
            mx.start().toCompletableFuture().join();
            mx.awaitTermination();
        }
    }
}
