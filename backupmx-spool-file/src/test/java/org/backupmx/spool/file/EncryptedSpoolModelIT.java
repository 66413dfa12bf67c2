package org.backupmx.spool.file;

/** The kit's random histories, over an encrypted spool. */
class EncryptedSpoolModelIT extends FileSpoolModelIT {

    @Override
    SimulatedDisk newDisk(long bytes) {
        return new SimulatedDisk(bytes).encrypted(TestKeys.of("a"));
    }
}
