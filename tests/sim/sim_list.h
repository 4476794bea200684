/* SPDX-License-Identifier: Apache-2.0 */
/* What the deterministic simulator does to a run, and what it holds against it: two lists, each counted by name. */
#ifndef TAGIH_SIM_LIST_H
#define TAGIH_SIM_LIST_H

#include <stdint.h>

/** X(NAME, "name", "what it is"): --faults takes the names. */
#define SIM_FAULTS(X)                                                                         \
    X(OFFLINE, "offline", "a phone is without network for 0 to 21 days")                      \
    X(LOSS, "loss", "a request does not arrive")                                              \
    X(NO_ANSWER, "no-answer", "the answer is lost, after COMMIT")                             \
    X(DUPLICATE, "duplicate", "a request arrives twice or more")                              \
    X(LATE_COPY, "late-copy", "a request arrives again hours or days later")                  \
    X(REORDER, "reorder", "batches, or entries within them, arrive in another order")         \
    X(TRUNCATE, "truncate", "a request or an answer is cut off")                              \
    X(FLIP, "flip", "a bit of a request or of an answer is turned")                           \
    X(SERVER_CRASH, "crash", "the server dies at a statement; its memory is gone")            \
    X(SERVER_RESTART, "restart", "the server is stopped and started again")                   \
    X(PHONE_CRASH, "phone-crash", "a phone dies after writing, or in the middle of a sync")   \
    X(RESTORE, "restore", "a phone is restored from a backup and writes other entries")       \
    X(CLONE, "clone", "a copied phone works beside the first one, with the same key")         \
    X(CLOCK, "clock", "a phone's clock jumps, by up to ten years")                            \
    X(REVOKE, "revoke", "a device is revoked")                                                \
    X(SUSPEND, "suspend", "a device is suspended, and some are let in again")                 \
    X(LEASE, "lease", "an account or a visit goes to somebody else while its phone is away")  \
    X(ROTATE, "rotate", "a phone changes its key, online or offline")                         \
    X(SERIALIZATION, "40001", "the database answers 40001")                                   \
    X(DEADLOCK, "40P01", "the database answers 40P01")                                        \
    X(LOST_COMMIT, "lost-commit", "the connection dies, before COMMIT takes effect or after") \
    X(DISK_FULL, "disk-full", "the database has no room for a while")                         \
    X(POISON, "poison", "a row that the database will not take")

enum sim_fault {
#define X(name, token, text) FAULT_##name,
    SIM_FAULTS(X)
#undef X
        FAULT_COUNT
};

#define FAULTS_ALL ((UINT32_C(1) << FAULT_COUNT) - 1)

/** X(name, "what must hold"). */
#define SIM_INVARIANTS(X)                                                                                    \
    X(I1, "receipts, payments, allocations and receivables add up, by account, collector and day (R-LED-2)") \
    X(I2, "what is in suspense is its ledger account")                                                       \
    X(I3, "every ledger transaction sums to zero, and balances are the sums of their lines")                 \
    X(I4, "every acknowledgement that a phone holds is on the server, with the same bytes")                  \
    X(I5, "no place in a journal pays twice")                                                                \
    X(I6, "what was issued is posted, flagged, waiting, quarantined or evidence; honest money is posted")    \
    X(I7, "rows of money and evidence never change")                                                         \
    X(I8, "chains recompute: entries, postings, bonus lines")                                                \
    X(I9, "bonus lines recompute")                                                                           \
    X(I10, "running totals add up: bags, months, chains")                                                    \
    X(I12, "all phones are drained within 60 s after faults stop")                                           \
    X(DIGEST, "the same seed gives the same run")

enum sim_invariant {
#define X(name, text) INVARIANT_##name,
    SIM_INVARIANTS(X)
#undef X
        INVARIANT_COUNT
};

/** "loss"; "I4". Pure. */
const char *sim_fault_name(enum sim_fault fault);
const char *sim_invariant_name(enum sim_invariant invariant);
/** The fault of a name. @return FAULT_COUNT: there is none */
enum sim_fault sim_fault_parse(const char *name, int len);

#endif
