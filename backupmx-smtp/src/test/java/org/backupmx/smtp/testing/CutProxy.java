package org.backupmx.smtp.testing;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.EnumMap;
import java.util.Map;

/**
 * Stands between a client and a {@link FakePrimary}, passes octets on, and cuts the connection after any number of them.
 * Thread-safe.
 */
public final class CutProxy implements AutoCloseable {

    /** Which way octets go. */
    public enum Way {
        TO_PRIMARY,
        TO_CLIENT
    }

    private final InetSocketAddress primary;
    private final ServerSocket server;
    private final Map<Way, Long> passed = new EnumMap<>(Way.class); // guarded by this
    private Way cutWay = Way.TO_PRIMARY; // guarded by this
    private long left = Long.MAX_VALUE; // guarded by this
    private boolean resets; // guarded by this

    private CutProxy(InetSocketAddress primary) throws IOException {
        this.primary = primary;
        this.server = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
        uncut();
    }

    /** Starts before a primary. */
    public static CutProxy before(FakePrimary primary) throws IOException {
        CutProxy proxy = new CutProxy(new InetSocketAddress(primary.address(), primary.port()));
        run(proxy::accept);
        return proxy;
    }

    private static void run(Runnable task) {
        Thread thread = new Thread(task, "cut-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    /** Where it listens. */
    public int port() {
        return server.getLocalPort();
    }

    /** Passes everything from now on, and counts anew. */
    public synchronized void uncut() {
        left = Long.MAX_VALUE;
        for (Way way : Way.values()) {
            passed.put(way, 0L);
        }
    }

    /** Cuts whatever connection lets the octet after this many pass from now on; by a reset or by an end. */
    public synchronized void cut(Way way, long after, boolean reset) {
        uncut();
        cutWay = way;
        left = after;
        resets = reset;
    }

    /** How many octets went this way since it was told what to do. */
    public synchronized long passed(Way way) {
        return passed.getOrDefault(way, 0L);
    }

    /** How many of so many octets may pass; one less than asked means the end. */
    private synchronized int allow(Way way, int count) {
        int allowed = (int) (way == cutWay ? Math.min(left, count) : count);
        if (way == cutWay && left != Long.MAX_VALUE) {
            left -= allowed;
        }
        passed.merge(way, (long) allowed, Long::sum);
        return allowed;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                Socket upstream = new Socket();
                upstream.connect(primary);
                client.setTcpNoDelay(true);
                upstream.setTcpNoDelay(true);
                run(() -> pump(Way.TO_PRIMARY, client, upstream));
                run(() -> pump(Way.TO_CLIENT, upstream, client));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void pump(Way way, Socket from, Socket to) {
        byte[] octets = new byte[8192];
        try {
            InputStream in = from.getInputStream();
            for (int count; (count = in.read(octets)) >= 0; ) {
                int allowed = allow(way, count);
                to.getOutputStream().write(octets, 0, allowed);
                if (allowed < count) {
                    end(from, to, resets());
                    return;
                }
            }
            end(from, to, false);
        } catch (IOException e) {
            end(from, to, false);
        }
    }

    private synchronized boolean resets() {
        return resets;
    }

    private static void end(Socket from, Socket to, boolean reset) {
        for (Socket socket : new Socket[] {from, to}) {
            try {
                if (reset) {
                    socket.setSoLinger(true, 0);
                }
                socket.close();
            } catch (IOException e) {
                // closed from the other side already
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
