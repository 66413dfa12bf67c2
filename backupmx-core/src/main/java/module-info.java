/** Policies, queue, monitoring and DNS of a backup MX, with no wire and no storage of its own. */
module org.backupmx.core {
    requires transitive org.backupmx.spool;
    requires com.github.benmanes.caffeine;
    requires org.dnsjava;
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports org.backupmx;
    exports org.backupmx.dns;
    exports org.backupmx.event;
    exports org.backupmx.greylist;
    exports org.backupmx.health;
    exports org.backupmx.intake;
    exports org.backupmx.monitoring;
    exports org.backupmx.queue;
    exports org.backupmx.relay;
    exports org.backupmx.retry;
    exports org.backupmx.undelivered;
}
