/** SMTP server and client of backupmx on Netty. */
module org.backupmx.smtp {
    requires transitive org.backupmx.core;
    requires io.netty.buffer;
    requires io.netty.codec;
    requires io.netty.codec.haproxy;
    requires io.netty.codec.smtp;
    requires io.netty.common;
    requires io.netty.handler;
    requires io.netty.transport;
    requires static io.netty.transport.classes.epoll;
    requires static io.netty.transport.classes.io_uring;
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports org.backupmx.smtp;
}
