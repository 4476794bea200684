/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrivals: what a check-in does, whether a phone calls or a journal brings it (design: online and offline are one
 * path). Many at a time: load, decide, save. Arrivals of one collector are judged in the order of their value instants,
 * whatever the order they came in.
 */
#ifndef TAGIH_RPC_ARRIVAL_H
#define TAGIH_RPC_ARRIVAL_H

#include "domain/fate_bits.h"
#include "engine/rpc.h"
#include "store/check_in.h"

enum arrival_fate {
    ARRIVAL_NEW,     /* stored now */
    ARRIVAL_REPEAT,  /* this very check-in was here before; `stored` has it */
    ARRIVAL_REUSED,  /* the id belongs to another check-in */
    ARRIVAL_FOREIGN  /* no such visit, or never this collector's */
};

struct arrival {
    /* in */
    struct check_in_key key;
    instant device_time;
    int64_t mono_us;
    uuid boot_id;
    const struct fix *fixes;
    size_t n_fixes;
    instant received;
    bool barred;  /* the caller may not: ends as FOREIGN */
    bool journal; /* signed: a foreign id or content is not refused here */
    fate_bits flags;
    /* between */
    struct check_in_loaded loaded;
    struct check_in_judgement judgement;
    struct spoof_evidence evidence;
    struct spoof_score score;
    hash256 digest;
    /* out */
    enum arrival_fate fate;
    struct check_in_stored stored; /* NEW and REPEAT */
};

/** Queue LOCK and LOAD. At least one arrival. */
TAGIH_MUST_USE tagih_err arrivals_send(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n);

/** Take what was loaded. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err arrivals_take(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n);

/**
 * Decide, queue SAVE. One more round trip when something was known before or lies behind.
 *
 * @return OK, with a fate for each · OUT_OF_MEMORY · as tx_sync
 */
TAGIH_MUST_USE tagih_err arrivals_settle(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n, instant now);

/** All fixes as they are stored, and what makes two check-ins of one id the same: everything the phone said. Pure. */
struct bytes arrival__fixes(struct arena *arena, const struct fix *fixes, size_t n);
void arrival__digest(const struct arrival *arrival, struct bytes fixes, hash256 *out);

#endif
