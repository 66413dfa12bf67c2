/** RFC 5321 vocabulary and the spool SPI. */
module org.backupmx.spool {
    requires static transitive org.jspecify;

    exports org.backupmx.mail;
    exports org.backupmx.spool;
    exports org.backupmx.spool.transfer;
}
