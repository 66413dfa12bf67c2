package org.backupmx.spool.file;

/** The whole test kit, over an encrypted spool. */
class EncryptedSpoolContractTest extends FileSpoolContractTest {

    @Override
    SimulatedDisk newDisk(long bytes) {
        return new SimulatedDisk(bytes).encrypted(TestKeys.of("a"));
    }
}
