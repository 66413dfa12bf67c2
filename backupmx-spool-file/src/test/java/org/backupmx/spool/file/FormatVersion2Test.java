package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.QueuedMessage;
import org.junit.jupiter.api.Test;

/** An encrypted segment, written octet by octet as {@code docs/file-format.md} says and with nothing of the code. */
class FormatVersion2Test {

    private static final String SEGMENT = "segment-0000000007";
    private static final long KEY = 0x1122334455667788L;
    private static final long ID = 5L << 36;
    private static final byte[] DATA_KEY = filled(32, 0x5a);
    private static final byte[] OPERATORS_KEY = filled(32, 0x17);

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static int crc(ByteBuffer bytes, int from, int to) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(from, to - from));
        return (int) crc.getValue();
    }

    private static byte[] encrypt(byte[] key, byte[] nonce, byte[] associated, byte[] plain) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
        cipher.updateAAD(associated);
        return cipher.doFinal(plain);
    }

    private static void text(ByteBuffer out, String text) {
        out.putShort((short) text.length()).put(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] header() throws Exception {
        ByteBuffer block = ByteBuffer.allocate(200);
        block.put("BMXSPOOL".getBytes(StandardCharsets.US_ASCII)).putInt(2).putInt(8192);
        block.putLong(7).putLong(KEY).putLong(5).putLong(0).putInt(0).position(60);
        block.putInt(crc(block, 0, 60));
        text(block, "key-2026");
        byte[] nonce = filled(12, 0x33);
        byte[] wrapped = encrypt(OPERATORS_KEY, nonce, Arrays.copyOf(block.array(), 136), DATA_KEY);
        block.position(136).put(nonce).put(wrapped);
        block.putInt(crc(block, 64, 196));
        return block.array();
    }

    private static byte[] message() {
        ByteBuffer meta = ByteBuffer.allocate(400);
        meta.putLong(13).putInt(0).putLong(1_772_366_400L).putInt(0);
        meta.put((byte) 4).put((byte) 0).put((byte) 0);
        meta.putShort((short) 1);
        text(meta, "a.example");
        meta.putLong(0);
        text(meta, "");
        text(meta, "sender");
        text(meta, "client.example");
        meta.putInt(1).putShort((short) 0);
        text(meta, "one");
        meta.put((byte) 0);
        text(meta, "");
        return Arrays.copyOf(meta.array(), meta.position());
    }

    private static byte[] record(int type, long id, int at, byte[] meta, byte[] data) throws Exception {
        int length = 48 + meta.length + 16 + data.length + 16;
        ByteBuffer record = ByteBuffer.allocate((length + 7) / 8 * 8);
        record.put("BMXR".getBytes(StandardCharsets.US_ASCII))
                .put((byte) type)
                .put((byte) 1)
                .putShort((short) 0);
        record.putLong(KEY).putLong(id).putInt(8192).putInt(meta.length).putInt(data.length);
        byte[] associated = Arrays.copyOf(record.array(), 36);
        byte[] metaNonce = ByteBuffer.allocate(12).putInt(1).putLong(at).array();
        byte[] dataNonce = ByteBuffer.allocate(12).putInt(2).putLong(at).array();
        record.position(48);
        record.put(encrypt(DATA_KEY, metaNonce, associated, meta)).put(encrypt(DATA_KEY, dataNonce, associated, data));
        record.putInt(36, crc(record, 48, 48 + meta.length + 16));
        record.putInt(40, crc(record, 48 + meta.length + 16, length));
        record.putInt(44, crc(record, 0, 44));
        return record.array();
    }

    private static byte[] mark(int at) {
        ByteBuffer mark = ByteBuffer.allocate(48);
        mark.put("BMXR".getBytes(StandardCharsets.US_ASCII)).put((byte) 8).position(8);
        mark.putLong(KEY).putLong(0).putInt(at).position(44);
        mark.putInt(crc(mark, 0, 44));
        return mark.array();
    }

    private static byte[] segment() throws Exception {
        ByteBuffer segment = ByteBuffer.allocate(16 << 10);
        segment.put(header()).position(4096).put(header()).position(8192);
        segment.put(record(1, ID, 8192, message(), "a secret mail".getBytes(StandardCharsets.US_ASCII)));
        segment.put(record(6, ID, segment.position(), new byte[] {1}, new byte[0]));
        segment.put(mark(segment.position()));
        return Arrays.copyOf(segment.array(), segment.position());
    }

    @Test
    void spoolFindsWhatTheDocumentSays() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20)
                .encrypted(new TestKeys("key-2026", Map.of("key-2026", new SecretKeySpec(OPERATORS_KEY, "AES"))));
        disk.put(SEGMENT, segment());
        assertThat(Recovered.from(disk).damage()).isEmpty();

        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            List<QueuedMessage> found = scan(spool);

            assertThat(found).hasSize(1);
            assertThat(found.get(0).held()).isTrue();
            assertThat(found.get(0)
                            .message()
                            .envelope()
                            .recipients()
                            .get(0)
                            .path()
                            .mailbox())
                    .isEqualTo(Mailbox.parse("one@a.example"));
            assertThat(new String(read(spool, Ids.text(ID)), StandardCharsets.US_ASCII))
                    .isEqualTo("a secret mail");
        }
    }

    /** What a release that knows version 1 only looks at: it finds an intact header, and a version to refuse. */
    @Test
    void firstPartOfAHeaderIsThatOfVersion1() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20).encrypted(TestKeys.of("a"));
        SimulatedDisk.spool(disk, 1).open().close();
        ByteBuffer header = ByteBuffer.wrap(disk.bytes("segment-0000000001"));

        assertThat(header.getLong(0)).isEqualTo(0x424D5853504F4F4CL);
        assertThat(header.getInt(8)).isEqualTo(2);
        assertThat(header.getInt(60)).isEqualTo(crc(header, 0, 60));
    }
}
