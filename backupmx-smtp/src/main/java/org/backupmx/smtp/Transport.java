package org.backupmx.smtp;

/** The way to the kernel's sockets. */
public enum Transport {
    /**
     * A native one if it is on the class path and proves itself by a connection on loopback, epoll before io_uring; else
     * the JDK's, and one line in the log says why.
     */
    AUTO,

    /** The JDK's selectors; works everywhere. */
    NIO,

    /** epoll of Linux; needs Netty's native library {@code netty-transport-native-epoll}. */
    EPOLL,

    /** io_uring of Linux; needs Netty's native library {@code netty-transport-native-io_uring} and a kernel that allows it. */
    IO_URING
}
