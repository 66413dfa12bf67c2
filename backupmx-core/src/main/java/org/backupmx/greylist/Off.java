package org.backupmx.greylist;

import java.time.Instant;

/** No greylisting. */
enum Off implements GreylistPolicy {
    INSTANCE;

    private static final GreylistDecision PASS = new GreylistDecision.Pass();

    @Override
    public GreylistDecision decide(GreylistTriplet triplet, Instant now) {
        return PASS;
    }

    @Override
    public boolean mayBlock() {
        return false;
    }
}
