/** RFC 5321 vocabulary, the spool SPI and the SPI of small histories. */
module org.backupmx.spool {
    requires static transitive org.jspecify;

    exports org.backupmx.history;
    exports org.backupmx.mail;
    exports org.backupmx.spool;
    exports org.backupmx.spool.transfer;
}
