package org.backupmx.smtp.internal.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** A file of PEM blocks (RFC 7468), read whole. Text around the blocks is left out. */
final class PemFile {

    /** The largest file: {@value} bytes. */
    static final int MAX_BYTES = 1 << 20;

    private static final String BEGIN = "-----BEGIN ";
    private static final String DASHES = "-----";

    private final Path path;
    private final byte[] octets;

    private PemFile(Path path, byte[] octets) {
        this.path = path;
        this.octets = octets;
    }

    /** One block. */
    static final class Block {
        private final String label;
        private final String text;

        private Block(String label, String text) {
            this.label = label;
            this.text = text;
        }

        /** What it says to hold. */
        String label() {
            return label;
        }

        /** Tells whether it needs a password. */
        boolean isEncrypted() {
            return label.startsWith("ENCRYPTED ") || text.contains("ENCRYPTED");
        }
    }

    static PemFile read(Path path) throws IOException {
        try {
            if (Files.size(path) > MAX_BYTES) {
                throw fault(path, Files.size(path) + " bytes", "a PEM file of at most " + MAX_BYTES);
            }
            return new PemFile(path, Files.readAllBytes(path));
        } catch (NoSuchFileException e) {
            throw fault(path, "no such file", "a PEM file");
        } catch (CertificateFault e) {
            throw e;
        } catch (IOException e) {
            throw fault(path, "cannot be read (" + e.getClass().getSimpleName() + ")", "a readable PEM file");
        }
    }

    Path path() {
        return path;
    }

    /** Tells whether the file is the same again, to the octet. */
    boolean sameAs(PemFile other) {
        return Arrays.equals(octets, other.octets);
    }

    /** Returns the blocks in the order of the file. */
    List<Block> blocks() throws CertificateFault {
        List<Block> blocks = new ArrayList<>();
        String label = null;
        StringBuilder text = new StringBuilder();
        for (String line : new String(octets, StandardCharsets.ISO_8859_1)
                .lines()
                .map(String::strip)
                .toList()) {
            if (line.startsWith(BEGIN) && line.endsWith(DASHES) && line.length() > BEGIN.length() + DASHES.length()) {
                if (label != null) {
                    throw notWhole();
                }
                label = line.substring(BEGIN.length(), line.length() - DASHES.length());
                text.setLength(0);
            } else if (label != null && line.equals("-----END " + label + DASHES)) {
                blocks.add(new Block(label, text.toString()));
                label = null;
            } else {
                text.append(line).append('\n');
            }
        }
        if (label != null) {
            throw notWhole();
        }
        return blocks;
    }

    private CertificateFault notWhole() {
        return fault(path, "a PEM block that does not end", "whole blocks");
    }

    /** Returns what a block holds. */
    byte[] der(Block block) throws CertificateFault {
        StringBuilder base64 = new StringBuilder();
        block.text.lines().filter(line -> line.indexOf(':') < 0).forEach(base64::append); // headers are for people
        try {
            return Base64.getDecoder().decode(base64.toString());
        } catch (IllegalArgumentException e) {
            throw fault(path, "a PEM block that is not Base64", "whole blocks");
        }
    }

    private static CertificateFault fault(Path path, String found, String expected) {
        return new CertificateFault(path + ": " + found + " (expected: " + expected + ")");
    }
}
