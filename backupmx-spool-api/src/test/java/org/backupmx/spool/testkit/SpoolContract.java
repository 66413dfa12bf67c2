package org.backupmx.spool.testkit;

/** Every rule that holds for every spool, S1 to S6. The optional interfaces have contracts of their own. */
public interface SpoolContract
        extends SpoolCommitContract,
                SpoolLeaseContract,
                SpoolSettleContract,
                SpoolReadContract,
                SpoolLifeContract,
                SpoolRecoveryContract {}
