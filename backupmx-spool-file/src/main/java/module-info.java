/** A spool in append-only segment files, and histories in text files. */
module org.backupmx.spool.file {
    requires transitive org.backupmx.spool;
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports org.backupmx.history.file;
    exports org.backupmx.spool.file;
}
