/** A spool, and histories, in a relational database. */
module org.backupmx.spool.jdbc {
    requires transitive java.sql;
    requires transitive org.backupmx.spool;
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports org.backupmx.history.jdbc;
    exports org.backupmx.spool.jdbc;
}
