package org.backupmx.internal.dns;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import org.xbill.DNS.DClass;
import org.xbill.DNS.EDNSOption;
import org.xbill.DNS.ExtendedErrorCodeOption;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** A DNS server on loopback, over UDP and TCP, that answers what it was told to. */
final class DnsServer implements AutoCloseable {

    private final DatagramSocket udp;
    private final ServerSocket tcp;
    private final Map<String, List<Record>> records = new ConcurrentHashMap<>();
    private final Map<String, Integer> failures = new ConcurrentHashMap<>();
    private final Set<String> bogus = ConcurrentHashMap.newKeySet();
    private final Map<String, String> confused = new ConcurrentHashMap<>();
    private final Set<Integer> payloads = ConcurrentHashMap.newKeySet();
    private final Set<String> silent = ConcurrentHashMap.newKeySet();
    private final Set<String> truncated = ConcurrentHashMap.newKeySet();
    private final Queue<String> queries = new ConcurrentLinkedQueue<>();
    private final CountDownLatch released = new CountDownLatch(1);
    private volatile boolean isHolding;
    private volatile long negativeTtl = 300;
    private volatile UnaryOperator<byte[]> damage = UnaryOperator.identity();

    DnsServer() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        tcp = new ServerSocket(0, 10, loopback);
        udp = new DatagramSocket(tcp.getLocalPort(), loopback);
        start("udp", this::serveUdp);
        start("tcp", this::serveTcp);
    }

    private static void start(String name, Runnable task) {
        Thread thread = new Thread(task, "dns-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    InetSocketAddress address() {
        return (InetSocketAddress) udp.getLocalSocketAddress();
    }

    /** Adds a record, its data written as in a zone file. */
    DnsServer add(String name, long ttl, int type, String data) {
        try {
            records.computeIfAbsent(key(name, type), key -> new ArrayList<>())
                    .add(Record.fromString(absolute(name), type, DClass.IN, ttl, data, Name.root));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    DnsServer add(String name, int type, String data) {
        return add(name, 300, type, data);
    }

    /** Makes a name exist without records of the type asked for. */
    DnsServer exists(String name) {
        return add(name, Type.TXT, "\"here\"");
    }

    DnsServer fail(String name, int rcode) {
        failures.put(name, rcode);
        return this;
    }

    /** Fails as a validating resolver does that finds a bogus signature (RFC 8914). */
    DnsServer bogus(String name) {
        bogus.add(name);
        return fail(name, Rcode.SERVFAIL);
    }

    /** Answers as if the other name had been asked for. */
    DnsServer confused(String name, String other) {
        confused.put(name, other);
        return this;
    }

    DnsServer heal(String name) {
        failures.remove(name);
        bogus.remove(name);
        silent.remove(name);
        return this;
    }

    DnsServer silent(String name) {
        silent.add(name);
        return this;
    }

    /** Answers over UDP that the answer is too long for UDP. */
    DnsServer truncated(String name) {
        truncated.add(name);
        return this;
    }

    DnsServer negativeTtl(long seconds) {
        negativeTtl = seconds;
        return this;
    }

    DnsServer damage(UnaryOperator<byte[]> change) {
        damage = change;
        return this;
    }

    /** Keeps answers back until {@link #release()}. */
    DnsServer hold() {
        isHolding = true;
        return this;
    }

    void release() {
        released.countDown();
    }

    /** Returns what has been asked: {@code udp example.org MX}. */
    List<String> queries() {
        return List.copyOf(queries);
    }

    /** Returns the sizes of UDP answers that clients said they take. */
    Set<Integer> payloads() {
        return Set.copyOf(payloads);
    }

    private void serveUdp() {
        byte[] buffer = new byte[4096];
        while (!udp.isClosed()) {
            try {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                udp.receive(packet);
                byte[] query = Arrays.copyOf(packet.getData(), packet.getLength());
                byte[] answer = answer(query, false);
                if (answer.length > 0) {
                    udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            } catch (SocketException e) {
                return;
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void serveTcp() {
        while (!tcp.isClosed()) {
            try (Socket socket = tcp.accept()) {
                DataInputStream in = new DataInputStream(socket.getInputStream());
                byte[] answer = answer(in.readNBytes(in.readUnsignedShort()), true);
                ByteArrayOutputStream frame = new ByteArrayOutputStream();
                new DataOutputStream(frame).writeShort(answer.length);
                frame.writeBytes(answer);
                socket.getOutputStream().write(frame.toByteArray());
            } catch (SocketException e) {
                return;
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private byte[] answer(byte[] wire, boolean isTcp) throws IOException, InterruptedException {
        Message query = new Message(wire);
        int payload = query.getOPT() == null ? 512 : query.getOPT().getPayloadSize();
        payloads.add(payload);
        Record question = query.getQuestion();
        String name = question.getName().toString(true).toLowerCase(Locale.ROOT);
        queries.add((isTcp ? "tcp " : "udp ") + name + " " + Type.string(question.getType()));
        if (isHolding) {
            released.await();
        }
        if (silent.contains(name)) {
            return new byte[0];
        }
        Message answer = new Message(query.getHeader().getID());
        answer.getHeader().setFlag(Flags.QR);
        answer.getHeader().setFlag(Flags.RA);
        String meant = confused.getOrDefault(name, name);
        answer.addRecord(
                meant.equals(name) ? question : Record.newRecord(absolute(meant), question.getType(), DClass.IN),
                Section.QUESTION);
        if (truncated.contains(name) && !isTcp) {
            answer.getHeader().setFlag(Flags.TC);
        } else {
            fill(answer, meant, question.getType());
        }
        return damage.apply(answer.toWire(isTcp ? 65535 : payload));
    }

    private void fill(Message answer, String name, int type) {
        answer.getHeader().setRcode(failures.getOrDefault(name, Rcode.NOERROR));
        if (failures.containsKey(name)) {
            if (bogus.contains(name)) {
                EDNSOption reason = new ExtendedErrorCodeOption(ExtendedErrorCodeOption.DNSSEC_BOGUS);
                answer.addRecord(new OPTRecord(1232, 0, 0, 0, reason), Section.ADDITIONAL);
            }
            return;
        }
        List<Record> found =
                records.getOrDefault(key(name, type), records.getOrDefault(key(name, Type.CNAME), List.of()));
        found.forEach(rr -> answer.addRecord(rr, Section.ANSWER));
        if (found.isEmpty()) {
            boolean exists = records.keySet().stream().anyMatch(key -> key.startsWith(name + " "));
            answer.getHeader().setRcode(exists ? Rcode.NOERROR : Rcode.NXDOMAIN);
            Name zone = absolute("soa.example");
            answer.addRecord(
                    new SOARecord(Name.root, DClass.IN, negativeTtl, zone, zone, 1, 2, 3, 4, negativeTtl),
                    Section.AUTHORITY);
        }
    }

    private static String key(String name, int type) {
        return name + " " + type;
    }

    private static Name absolute(String name) {
        return Name.fromConstantString(name + ".");
    }

    @Override
    public void close() throws IOException {
        release();
        udp.close();
        tcp.close();
    }
}
